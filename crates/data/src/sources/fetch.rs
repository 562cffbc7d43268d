//! A whole download: what is there already, what is missing, several files at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::client::Client;
use super::download::{Downloader, Happening};
use super::expected::Expected;
use super::lock::FolderLock;
use super::task::{State, Task};
use super::{ClientOptions, Digests, Fault, FetchError, Mirrors, Receipt, ReceiptFile, RetryPolicy, Wanted};

/// How to download.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Folder that gets one folder for each dataset.
    pub destination: PathBuf,
    pub client: ClientOptions,
    pub mirrors: Mirrors,
    pub retry: RetryPolicy,
    /// Files at a time.
    pub jobs: usize,
    /// Limit in bytes for a file whose length is not known.
    pub max_bytes: u64,
    /// Download and replace what is there already.
    pub force: bool,
    /// Only tell what is there.
    pub offline: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
}

/// Something a display may show; `number` counts in the list of wanted files.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another process works in the folder.
    Waiting {
        folder: &'a Path,
    },
    /// A server answers for a file of which `have` bytes are there.
    Answered {
        number: usize,
        have: u64,
        total: Option<u64>,
    },
    Received {
        number: usize,
        have: u64,
    },
    /// An attempt failed; the next one follows after the pause.
    Pausing {
        number: usize,
        reason: &'a str,
        pause: Duration,
    },
    Finished {
        number: usize,
        report: &'a FileReport,
    },
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Downloaded and checked.
    Fetched,
    /// Was there already, and is what it should be.
    Present,
    /// Would be downloaded.
    Planned,
    /// Was there already, is not what it should be, and was left alone.
    Differs,
    Failed,
    /// Not tried: something before stopped the whole download.
    Skipped,
}

/// One file of a [`Report`].
#[derive(Debug, Serialize)]
pub struct FileReport {
    pub dataset: String,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// The first address that is asked, mirrors applied.
    pub url: String,
    pub status: FileStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What became of all files.
#[derive(Debug, Serialize)]
pub struct Report {
    pub destination: PathBuf,
    /// In the order of the wanted files, each once.
    pub files: Vec<FileReport>,
}

impl Report {
    /// The fault to tell: of several, the one that has to be mended first.
    pub fn fault(&self) -> Option<Fault> {
        self.files.iter().filter_map(|file| file.fault).min()
    }

    /// How many files have this status.
    pub fn count(&self, status: FileStatus) -> usize {
        self.files.iter().filter(|file| file.status == status).count()
    }
}

/// Downloads the wanted files into their datasets' folders below the destination. A file that is there and is what it
/// should be is not asked for again. `stop` ends the download soon; what arrived is kept for the next one.
///
/// # Errors
/// Settings that cannot be used, and folders that cannot be made or locked. Whatever concerns single files is in the
/// report.
pub fn fetch(
    wanted: &[Wanted],
    options: &FetchOptions,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<Report, FetchError> {
    let mut seen = BTreeSet::new();
    let tasks: Vec<Task> = wanted
        .iter()
        .enumerate()
        .filter(|(_, wanted)| seen.insert((&wanted.dataset.name, &wanted.file.path)))
        .map(|(number, wanted)| Task::new(number, wanted, options))
        .collect();
    let run = Run {
        client: Client::new(&options.client)?,
        options,
        stop,
        halt: AtomicBool::new(false),
        receipts: Mutex::new(()),
        tell,
    };
    let mut reports: BTreeMap<usize, FileReport> = BTreeMap::new();
    let mut todo: Vec<&Task> = Vec::new();
    for (task, state) in tasks.iter().zip(run.on_each(&tasks, Task::inspect)) {
        match run.settled(task, state) {
            Some(report) => {
                tell(Event::Finished { number: task.number, report: &report });
                reports.insert(task.number, report);
            }
            None => todo.push(task),
        }
    }
    // Sorted, so that two processes never wait for each other.
    let folders: BTreeSet<&Path> = todo.iter().map(|task| task.folder.as_path()).collect();
    let lock = |folder: &&Path| FolderLock::acquire(folder, stop, || tell(Event::Waiting { folder }));
    let _locks: Vec<FolderLock> = folders.iter().map(lock).collect::<Result<_, _>>()?;
    let done = run.on_each(&todo, |task| {
        let report = run.obtain(task);
        tell(Event::Finished { number: task.number, report: &report });
        report
    });
    reports.extend(todo.iter().map(|task| task.number).zip(done));
    Ok(Report { destination: options.destination.clone(), files: reports.into_values().collect() })
}

struct Run<'a> {
    client: Client,
    options: &'a FetchOptions,
    stop: &'a AtomicBool,
    /// Set by a fault that no further file would escape.
    halt: AtomicBool,
    /// Held while a receipt is read and written.
    receipts: Mutex<()>,
    tell: &'a (dyn Fn(Event) + Sync),
}

impl Run<'_> {
    /// The report of a file for which nothing is left to do, or may be done.
    fn settled(&self, task: &Task, state: State) -> Option<FileReport> {
        let FetchOptions { force, offline, dry_run, .. } = *self.options;
        let only_tell = offline || dry_run;
        match state {
            State::Unreadable(error) => Some(task.failed(&error)),
            State::Present { digests, recorded } if !force && (recorded || only_tell) => {
                Some(task.there(FileStatus::Present, digests))
            }
            State::Present { digests, .. } if offline => Some(task.there(FileStatus::Present, digests)),
            State::Differs(message) if !force || offline => Some(task.differs(message)),
            State::Absent if offline => {
                Some(task.failed(&FetchError::Offline { path: task.target.clone(), url: task.url.clone() }))
            }
            _ if dry_run => Some(task.report(FileStatus::Planned)),
            _ => None,
        }
    }

    /// Has a file at its place and in the receipt.
    fn obtain(&self, task: &Task) -> FileReport {
        if self.halt.load(Ordering::SeqCst) || self.stop.load(Ordering::SeqCst) {
            let interrupted = self.stop.load(Ordering::SeqCst).then_some(Fault::Interrupted);
            return FileReport { fault: interrupted, ..task.report(FileStatus::Skipped) };
        }
        match self.try_obtain(task) {
            Ok(report) => report,
            Err(error) => {
                if matches!(error.fault(), Fault::Disk | Fault::Interrupted)
                    && !matches!(error, FetchError::TooLarge { .. })
                {
                    self.halt.store(true, Ordering::SeqCst);
                }
                task.failed(&error)
            }
        }
    }

    fn try_obtain(&self, task: &Task) -> Result<FileReport, FetchError> {
        // Once more, now that the folder is ours: another process may have fetched it.
        if !self.options.force {
            match task.inspect() {
                State::Absent => {}
                State::Present { digests, recorded } => {
                    if !recorded {
                        self.record(task, None, &digests)?;
                    }
                    return Ok(task.there(FileStatus::Present, digests));
                }
                State::Differs(message) => return Ok(task.differs(message)),
                State::Unreadable(error) => return Err(error),
            }
        }
        let number = task.number;
        let tell = |happening: Happening| {
            (self.tell)(match happening {
                Happening::Answered { have, total } => Event::Answered { number, have, total },
                Happening::Received { have } => Event::Received { number, have },
                Happening::Pausing { reason, pause } => Event::Pausing { number, reason, pause },
            });
        };
        let downloader = Downloader {
            client: &self.client,
            retry: self.options.retry,
            max_bytes: self.options.max_bytes,
            stop: self.stop,
            tell: &tell,
        };
        let (url, digests) = downloader.download(&task.url, &task.copies, &task.target, &Expected::of(task.file))?;
        self.record(task, Some(url), &digests)?;
        Ok(task.there(FileStatus::Fetched, digests))
    }

    fn record(&self, task: &Task, from: Option<&str>, digests: &Digests) -> Result<(), FetchError> {
        let entry = ReceiptFile::new(task.dataset, task.file, from.map(str::to_owned), digests);
        let _guard = self.receipts.lock();
        Receipt::record(&task.folder, task.dataset, entry)
    }

    /// Works on all items, several at a time, and returns the results in their order.
    fn on_each<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let over = AtomicBool::new(false);
        let worker = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let Some(item) = items.get(number) else { return done };
                done.push((number, work(item)));
            }
        };
        let mut results: Vec<(usize, R)> = thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    if self.stop.load(Ordering::SeqCst) {
                        return self.client.interrupt();
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
            let workers: Vec<_> =
                (0..self.options.jobs.clamp(1, items.len().max(1))).map(|_| scope.spawn(worker)).collect();
            let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            // Before a panic goes on, or the thread above would never end.
            over.store(true, Ordering::SeqCst);
            let done = ended.into_iter().map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            done.flatten().collect()
        });
        results.sort_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }
}
