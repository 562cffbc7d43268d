//! Starting and stopping.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lru::LruCache;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::counters::Counters;
use crate::routes::{self, State};

/// How a server listens and what it takes.
#[derive(Clone, Debug)]
pub struct Options {
    pub address: SocketAddr,
    /// What requests have to carry; may be missing on loopback addresses alone.
    pub token: Option<String>,
    /// Largest body of a request, bytes.
    pub max_body: usize,
    /// Most rows of a request.
    pub max_rows: usize,
    /// Longest time for one row.
    pub deadline: Duration,
}

/// Why a server cannot start or go on.
#[derive(Debug, Error)]
pub enum ServeError {
    #[error("{address} can be reached from other machines: give a token, or listen on 127.0.0.1")]
    Open { address: SocketAddr },
    #[error("the token is empty or holds blanks, which no header can carry")]
    Token,
    #[error("listening on {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("serving: {0}")]
    Io(#[from] std::io::Error),
}

/// Shapings whose scorers, with their caches, are kept.
const SHAPINGS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Batches that are scored at the same time; each one uses all cores.
const BATCHES: usize = 2;

/// How often the server looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(100);

/// A server that listens.
pub struct Server {
    listener: std::net::TcpListener,
    options: Options,
}

impl Server {
    /// Listens. Port 0 takes a free one: [`Server::address`] tells which.
    ///
    /// # Errors
    /// An address that others can reach without a token, a token that cannot be sent, an address that cannot be had.
    pub fn bind(options: Options) -> Result<Server, ServeError> {
        let address = options.address;
        match &options.token {
            None if !address.ip().is_loopback() => return Err(ServeError::Open { address }),
            Some(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Err(ServeError::Token);
            }
            _ => {}
        }
        let listener = std::net::TcpListener::bind(address).map_err(|source| ServeError::Bind { address, source })?;
        listener.set_nonblocking(true)?;
        Ok(Server { listener, options })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn address(&self) -> Result<SocketAddr, ServeError> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop` is raised, then finishes the requests that it has.
    ///
    /// # Errors
    /// The system refuses threads or the socket.
    pub fn run(self, stop: &'static AtomicBool) -> Result<(), ServeError> {
        let state = Arc::new(State {
            options: self.options,
            counters: Counters::default(),
            scorers: Mutex::new(LruCache::new(SHAPINGS)),
            batches: Semaphore::new(BATCHES),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener)?;
            let stopped = async {
                while !stop.load(Ordering::SeqCst) {
                    tokio::time::sleep(LOOK).await;
                }
            };
            axum::serve(listener, routes::router(state)).with_graceful_shutdown(stopped).await?;
            Ok(())
        })
    }
}
