//! The routes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State as Given};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chemr_scoring::rewards::{Item, Scorer, Shaping};
use chemr_tasks::{Verdict, task};
use lru::LruCache;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::counters::Counters;
use crate::server::Options;
use crate::token;

pub(crate) struct State {
    pub options: Options,
    pub counters: Counters,
    /// By the JSON text of their shapings.
    pub scorers: Mutex<LruCache<String, Scorer>>,
    pub batches: Semaphore,
}

type Shared = Arc<State>;

/// Names of the routes in the counters.
const SCORE: &str = "/v1/score";
const REWARD: &str = "/get_reward";
const HEALTH: &str = "/health";
const METRICS: &str = "/metrics";

pub(crate) fn router(state: Shared) -> Router {
    let limit = DefaultBodyLimit::max(state.options.max_body);
    Router::new()
        .route(SCORE, post(score))
        .route(REWARD, post(reward))
        .route(METRICS, get(metrics))
        .route(HEALTH, get(|| async { axum::Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})) }))
        .fallback(|| async {
            Refusal(StatusCode::NOT_FOUND, format!("there are {SCORE}, {REWARD}, {HEALTH} and {METRICS}"))
        })
        .layer(limit)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), watched))
        .with_state(state)
}

/// What is wrong with a request, as `{"error": {"message"}}`.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({"error": {"message": self.1}}))).into_response()
    }
}

fn wrong(message: impl std::fmt::Display) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, message.to_string())
}

/// Asks for the token, and counts.
async fn watched(Given(state): Given<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let route = [SCORE, REWARD, HEALTH, METRICS].into_iter().find(|route| *route == path).unwrap_or("other");
    let is_open = route == HEALTH || state.options.token.is_none();
    let may = is_open || state.options.token.as_ref().is_some_and(|token| token::is_right(token, request.headers()));
    let response = if may {
        next.run(request).await
    } else {
        let mut refusal =
            Refusal(StatusCode::UNAUTHORIZED, "send `Authorization: Bearer TOKEN`".into()).into_response();
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        refusal
    };
    state.counters.request(route, response.status().as_u16());
    response
}

async fn metrics(Given(state): Given<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.counters.render())
}

/// A row: `reference` and the fields of the question stand beside the others.
#[derive(Deserialize)]
struct Row {
    task: Option<String>,
    completion: Option<String>,
    #[serde(flatten)]
    columns: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// Of the rows that name none.
    task: Option<String>,
    items: Vec<Row>,
    #[serde(default)]
    shaping: Shaping,
}

/// The body as JSON. Its content type is not looked at, as callers differ in it.
async fn body<T: for<'a> Deserialize<'a>>(state: &Shared, request: Request) -> Result<T, Refusal> {
    let bytes = Bytes::from_request(request, state).await.map_err(|refusal| match refusal.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is above {} bytes (--max-body)", state.options.max_body),
        ),
        status => Refusal(status, refusal.body_text()),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(format!("the body: {error}")))
}

async fn score(Given(state): Given<Shared>, request: Request) -> Result<axum::Json<Value>, Refusal> {
    let batch: Batch = body(&state, request).await?;
    let rows = batch.items.into_iter().enumerate();
    let items = rows.map(|(place, row)| item(place, row, batch.task.as_deref())).collect::<Result<_, _>>()?;
    let verdicts = judge(&state, batch.shaping, items).await?;
    Ok(axum::Json(json!({"verdicts": verdicts.iter().map(Verdict::json).collect::<Vec<_>>()})))
}

/// What OpenRLHF sends: prompts with responses behind them, prompts, and labels, here JSON objects with `task`, `reference` and the fields of the
/// question.
#[derive(Deserialize)]
struct Queries {
    query: Vec<String>,
    #[serde(default)]
    prompts: Vec<String>,
    #[serde(default)]
    labels: Vec<Value>,
}

async fn reward(Given(state): Given<Shared>, request: Request) -> Result<axum::Json<Value>, Refusal> {
    let Queries { query, prompts, labels } = body(&state, request).await?;
    if prompts.len() != query.len() || labels.len() != query.len() {
        let lengths = format!("{} queries, {} prompts, {} labels", query.len(), prompts.len(), labels.len());
        return Err(wrong(format!("{lengths}: there has to be one of each for every row")));
    }
    let mut items = Vec::with_capacity(query.len());
    for (place, ((query, prompt), label)) in query.into_iter().zip(prompts).zip(labels).enumerate() {
        let label = match label {
            Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
            other => other,
        };
        let Value::Object(mut columns) = label else {
            return Err(wrong(format!(
                "label {place} is no JSON object with `task`, `reference` and the fields of the question"
            )));
        };
        let task = columns.remove("task").and_then(|task| task.as_str().map(str::to_owned));
        columns.entry("reference").or_insert(Value::Null);
        let completion = query.strip_prefix(&prompt).unwrap_or(&query).to_owned();
        items.push(item(place, Row { task, completion: Some(completion), columns }, None)?);
    }
    let verdicts = judge(&state, Shaping::default(), items).await?;
    let column = |of: fn(&Verdict) -> f64| verdicts.iter().map(of).collect::<Vec<f64>>();
    let is = |of: fn(&Verdict) -> bool| {
        verdicts.iter().map(|verdict| f64::from(u8::from(of(verdict)))).collect::<Vec<f64>>()
    };
    Ok(axum::Json(json!({
        "rewards": column(|verdict| verdict.score),
        "scores": is(|verdict| verdict.correct),
        "extra_logs": {"format": is(|verdict| verdict.format), "valid": is(|verdict| verdict.valid)},
    })))
}

fn item(place: usize, mut row: Row, default: Option<&str>) -> Result<Item, Refusal> {
    let lacks = |name: &str| wrong(format!("row {place} has no `{name}`"));
    let reference = row.columns.remove("reference").ok_or_else(|| lacks("reference"))?;
    let completion = row.completion.ok_or_else(|| lacks("completion"))?;
    let id = row.task.as_deref().or(default);
    let id = id.ok_or_else(|| wrong(format!("row {place} names no task, and the request none for all rows")))?;
    let known = task(id).ok_or_else(|| wrong(format!("row {place}: there is no task {id:?}")))?;
    let columns: BTreeMap<String, String> =
        row.columns.iter().filter_map(|(name, value)| Some((name.clone(), text(value, "\n")?))).collect();
    let reference = text(&reference, ",").unwrap_or_default();
    Ok(Item { task: known, example: known.row(&columns, &reference), completion })
}

/// A value as text, lists with `between` between their items; nothing for `null` and objects.
fn text(value: &Value, between: &str) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Array(items) => {
            Some(items.iter().map(|item| text(item, between)).collect::<Option<Vec<_>>>()?.join(between))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// Scores a batch beside the threads that serve.
async fn judge(state: &Shared, shaping: Shaping, items: Vec<Item>) -> Result<Vec<Verdict>, Refusal> {
    let most = state.options.max_rows;
    if items.len() > most {
        return Err(Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("{} rows are above the {most} of a request (--max-rows)", items.len()),
        ));
    }
    let scorer = scorer(state, &shaping)?;
    let tasks: Vec<&'static str> = items.iter().map(|item| item.task.id()).collect();
    let gone = |_| Refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping".into());
    let _permit = state.batches.acquire().await.map_err(gone)?;
    let start = Instant::now();
    let verdicts = tokio::task::spawn_blocking(move || scorer.score(items))
        .await
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    state.counters.batch(start.elapsed(), tasks.into_iter().zip(&verdicts));
    Ok(verdicts)
}

fn scorer(state: &Shared, shaping: &Shaping) -> Result<Scorer, Refusal> {
    let key = serde_json::to_string(shaping).map_err(wrong)?;
    let mut scorers = state.scorers.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = scorers.get(&key) {
        return Ok(known.clone());
    }
    let made = Scorer::new(shaping.clone()).map_err(wrong)?.deadline(state.options.deadline);
    scorers.put(key, made.clone());
    Ok(made)
}
