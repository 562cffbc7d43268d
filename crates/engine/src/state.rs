//! Optimiser state as a safetensors file: training continues bit for bit.

use std::io::Write;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::device::cpu::optim::{AdamW, Parameters};
use crate::{EngineError, ModelConfig};

const SAVE: &str = "save optimiser state";
const LOAD: &str = "load optimiser state";

/// Writes moments (`first.*`, `second.*` under the names of the trained values) and the step count, through a temporary file
/// in the same folder. The same state gives the same bytes.
pub(crate) fn save<P: Parameters>(path: &Path, optimiser: &AdamW<P>, config: &ModelConfig) -> Result<(), EngineError> {
    let mut tensors: Vec<(String, Vec<usize>, Dtype, Vec<u8>)> = Vec::new();
    for (prefix, moments) in [("first", &optimiser.first), ("second", &optimiser.second)] {
        for tensor in moments.named(config) {
            let bytes = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
            let name = format!("{prefix}.{}", tensor.name);
            tensors.push((name, tensor.shape, Dtype::F32, bytes));
        }
    }
    let steps = optimiser.steps.to_le_bytes().to_vec();
    tensors.push(("steps".to_owned(), vec![1], Dtype::U64, steps));
    let views = tensors
        .iter()
        .map(|(name, shape, dtype, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format_error(SAVE, path, error))?;
    let bytes = safetensors::serialize(views, None).map_err(|error| format_error(SAVE, path, error))?;
    write_file(path, &bytes)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let failed = |source| EngineError::Io { operation: SAVE, path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = std::fs::File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    written.map_err(|source| {
        // The partial file is of no use; that it cannot be removed adds nothing to the first error.
        let _ = std::fs::remove_file(&part);
        failed(source)
    })
}

/// Reads what [`save`] wrote into `optimiser`; nothing is changed on error.
pub(crate) fn load<P: Parameters>(
    path: &Path,
    optimiser: &mut AdamW<P>,
    config: &ModelConfig,
) -> Result<(), EngineError> {
    let bytes =
        std::fs::read(path).map_err(|source| EngineError::Io { operation: LOAD, path: path.to_owned(), source })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format_error(LOAD, path, error))?;
    let steps = file.tensor("steps").map_err(|error| format_error(LOAD, path, error))?;
    let steps: [u8; 8] =
        steps.data().try_into().map_err(|_| format_error(LOAD, path, "the step count is not one 64-bit number"))?;
    let first = moments(path, &file, "first", &optimiser.first, config)?;
    let second = moments(path, &file, "second", &optimiser.second, config)?;
    optimiser.steps = u64::from_le_bytes(steps);
    optimiser.first = first;
    optimiser.second = second;
    Ok(())
}

fn moments<P: Parameters>(
    path: &Path,
    file: &SafeTensors<'_>,
    prefix: &str,
    shape: &P,
    config: &ModelConfig,
) -> Result<P, EngineError> {
    let mut values = shape.zeros_like();
    for target in values.named_mut(config) {
        let name = format!("{prefix}.{}", target.name);
        let tensor = file.tensor(&name).map_err(|error| format_error(LOAD, path, error))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != target.shape.as_slice() {
            return Err(EngineError::shape(LOAD, name, &target.shape, tensor.shape()));
        }
        let values = tensor.data().chunks_exact(4);
        for (target, bytes) in target.data.iter_mut().zip(values) {
            *target = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
    }
    Ok(values)
}

fn format_error(operation: &'static str, path: &Path, reason: impl std::fmt::Display) -> EngineError {
    EngineError::Format { operation, path: path.to_owned(), reason: reason.to_string() }
}
