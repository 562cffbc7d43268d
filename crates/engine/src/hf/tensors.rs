//! Weights in the safetensors format.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde_json::Value;

use super::{LOAD, SAVE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE, io, malformed};
use crate::weights::{NamedTensor, tensor_shapes};
use crate::{Architecture, EngineError, ModelConfig, Weights};

/// Longest header that is read; the format's own bound.
const LONGEST_HEADER: u64 = 100_000_000;
/// Values converted at a time while reading.
const CHUNK: usize = 1 << 16;

struct View<'a>(&'a NamedTensor<'a>);

impl safetensors::View for View<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.data.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn data_len(&self) -> usize {
        4 * self.0.data.len()
    }
}

/// Writes tensors as fp32 into one safetensors file. Same tensors, same bytes.
///
/// # Errors
/// [`EngineError::Format`] when the file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[NamedTensor<'_>]) -> Result<(), EngineError> {
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), View(tensor)));
    // `transformers` refuses files without this entry.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(views, Some(metadata), path).map_err(|error| malformed(SAVE, path, error))
}

/// A tensor as read: shape and values.
pub type Tensor = (Vec<usize>, Vec<f32>);

/// Reads every tensor of a safetensors file (fp32, bf16 or fp16) as fp32.
///
/// # Errors
/// [`EngineError::Io`], [`EngineError::Format`] for a broken file, [`EngineError::Checkpoint`] for other number types.
pub fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>, EngineError> {
    let mut file = TensorFile::open(path)?;
    let infos = file.infos();
    let mut tensors = BTreeMap::new();
    for (name, info) in infos {
        file.kind(&name, &info)?;
        let mut values = vec![0.0; info.shape.iter().product()];
        file.read(&name, &info, 0, &mut values)?;
        tensors.insert(name, (info.shape, values));
    }
    Ok(tensors)
}

/// An open safetensors file whose header was checked against its length.
pub(super) struct TensorFile {
    path: PathBuf,
    reader: BufReader<File>,
    data_start: u64,
    metadata: Metadata,
}

impl TensorFile {
    pub(super) fn open(path: &Path) -> Result<Self, EngineError> {
        let failed = |source| io(LOAD, path, source);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut size = [0; 8];
        reader.read_exact(&mut size).map_err(failed)?;
        let size = u64::from_le_bytes(size);
        if size > LONGEST_HEADER || size + 8 > length {
            let reason = format!("not a safetensors file: a header of {size} bytes in a file of {length}");
            return Err(malformed(LOAD, path, reason));
        }
        let mut header = vec![0; size as usize];
        reader.read_exact(&mut header).map_err(failed)?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| malformed(LOAD, path, error))?;
        let expected = 8 + size + metadata.data_len() as u64;
        if expected != length {
            let reason = format!("the header describes {expected} bytes, the file has {length}: cut off or damaged");
            return Err(malformed(LOAD, path, reason));
        }
        Ok(Self { path: path.to_owned(), reader, data_start: 8 + size, metadata })
    }

    pub(super) fn infos(&self) -> BTreeMap<String, TensorInfo> {
        self.metadata.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect()
    }

    fn kind(&self, name: &str, info: &TensorInfo) -> Result<Kind, EngineError> {
        Kind::of(info.dtype).ok_or_else(|| EngineError::Checkpoint {
            path: self.path.clone(),
            missing: Vec::new(),
            unsupported: vec![unsupported(name, info.dtype)],
            misshapen: Vec::new(),
        })
    }

    /// Reads the values of a tensor from number `first` on into `values`, which stays within the tensor.
    pub(super) fn read(
        &mut self,
        name: &str,
        info: &TensorInfo,
        first: usize,
        values: &mut [f32],
    ) -> Result<(), EngineError> {
        let kind = self.kind(name, info)?;
        let failed = |source| io(LOAD, &self.path, source);
        let start = self.data_start + (info.data_offsets.0 + first * kind.width()) as u64;
        self.reader.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut bytes = vec![0; CHUNK.min(values.len()) * kind.width()];
        for part in values.chunks_mut(CHUNK) {
            let bytes = &mut bytes[..part.len() * kind.width()];
            self.reader.read_exact(bytes).map_err(failed)?;
            kind.convert(bytes, part);
        }
        Ok(())
    }
}

/// The number types that are read.
#[derive(Clone, Copy)]
enum Kind {
    F32,
    Bf16,
    F16,
}

impl Kind {
    fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::F32),
            Dtype::BF16 => Some(Self::Bf16),
            Dtype::F16 => Some(Self::F16),
            _ => None,
        }
    }

    /// Bytes of a value.
    fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }

    fn convert(self, bytes: &[u8], values: &mut [f32]) {
        let (quads, _) = bytes.as_chunks();
        let (pairs, _) = bytes.as_chunks();
        match self {
            Self::F32 => quads.iter().zip(values).for_each(|(bytes, value)| *value = f32::from_le_bytes(*bytes)),
            Self::Bf16 => pairs
                .iter()
                .zip(values)
                .for_each(|(bytes, value)| *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16)),
            Self::F16 => {
                pairs.iter().zip(values).for_each(|(bytes, value)| *value = half_to_single(u16::from_le_bytes(*bytes)))
            }
        }
    }
}

/// IEEE 754 binary16 to binary32; exact.
fn half_to_single(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1F;
    let fraction = u32::from(half & 0x3FF);
    let magnitude = match exponent {
        // Zero and subnormal numbers: fraction times 2^-24.
        0 => (fraction as f32 * f32::from_bits((127 - 24) << 23)).to_bits(),
        0x1F => 0x7F80_0000 | fraction << 13,
        _ => (exponent + 127 - 15) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

fn unsupported(name: &str, dtype: Dtype) -> String {
    format!("{name} has type {dtype:?} (F32, BF16 and F16 are read)")
}

/// The weights of a model from `model.safetensors` or from the shards that its index names.
pub(super) fn read_weights(
    folder: &Path,
    config: &ModelConfig,
    architecture: &Architecture,
) -> Result<Weights, EngineError> {
    let mut checkpoint = Checkpoint::open(folder, config, architecture)?;
    let mut weights = Weights::zeros_for(config, architecture);
    for tensor in weights.named_tensors_mut(config) {
        checkpoint.read(&tensor.name, 0, tensor.data)?;
    }
    Ok(weights)
}

/// The weight files of a folder, which hold every tensor of a model in its shape and nothing else.
pub(crate) struct Checkpoint {
    files: Vec<TensorFile>,
    /// File and place of each tensor.
    tensors: HashMap<String, (usize, TensorInfo)>,
}

impl Checkpoint {
    /// Opens the files and compares what they hold with what the model needs; no memory is taken for values.
    pub(super) fn open(folder: &Path, config: &ModelConfig, architecture: &Architecture) -> Result<Self, EngineError> {
        let files = shards(folder)?.iter().map(|path| TensorFile::open(path)).collect::<Result<Vec<_>, _>>()?;
        check_size(folder, config, &files)?;
        let mut problems = Problems::default();
        let mut wanted: BTreeMap<String, Vec<usize>> = tensor_shapes(config, architecture).into_iter().collect();
        let mut tensors = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            for (name, info) in file.infos() {
                if ignored(&name, config) {
                    continue;
                }
                let Some(shape) = wanted.remove(&name) else {
                    problems
                        .unsupported
                        .push(format!("{name} has no place in a {} model", architecture.family.model_type()));
                    continue;
                };
                if info.shape != shape {
                    problems.misshapen.push(format!("{name} is {:?}, expected {shape:?}", info.shape));
                } else {
                    problems.check_kind(&name, &info);
                    tensors.insert(name, (index, info));
                }
            }
        }
        problems.missing.extend(wanted.into_keys());
        problems.into_result(folder)?;
        Ok(Self { files, tensors })
    }

    /// Reads the values of tensor `name` from number `first` on.
    pub(crate) fn read(&mut self, name: &str, first: usize, values: &mut [f32]) -> Result<(), EngineError> {
        let place = self.tensors.get(name).and_then(|(index, info)| Some((self.files.get_mut(*index)?, info)));
        match place {
            Some((file, info)) => file.read(name, info, first, values),
            // `open` found every tensor of the model; a name that it never asked for is a slip of this crate.
            None => unreachable!("{name} is no tensor of this model"),
        }
    }
}

/// Refuses a shape that the weight files are far too small for, before memory is taken for it: a mistyped number in
/// `config.json` must not end in an allocation failure. Smaller mismatches get the list of what is missing.
fn check_size(folder: &Path, config: &ModelConfig, files: &[TensorFile]) -> Result<(), EngineError> {
    let bytes: u64 = files.iter().map(|file| file.metadata.data_len() as u64).sum();
    match config.checked_parameter_count() {
        Some(count) if count as u64 <= bytes.saturating_mul(8) => Ok(()),
        count => Err(EngineError::Config {
            field: "the sizes in config.json",
            value: count.map_or("more parameters than can be counted".into(), |count| format!("{count} parameters")),
            reason: format!("the weight files of {} hold {bytes} bytes of values", folder.display()),
        }),
    }
}

#[derive(Default)]
pub(super) struct Problems {
    pub missing: Vec<String>,
    pub unsupported: Vec<String>,
    pub misshapen: Vec<String>,
}

impl Problems {
    /// Notes a number type that is not read.
    pub(super) fn check_kind(&mut self, name: &str, info: &TensorInfo) {
        if Kind::of(info.dtype).is_none() {
            self.unsupported.push(unsupported(name, info.dtype));
        }
    }

    pub(super) fn into_result(self, folder: &Path) -> Result<(), EngineError> {
        if self.missing.is_empty() && self.unsupported.is_empty() && self.misshapen.is_empty() {
            return Ok(());
        }
        Err(EngineError::Checkpoint {
            path: folder.to_owned(),
            missing: self.missing,
            unsupported: self.unsupported,
            misshapen: self.misshapen,
        })
    }
}

/// Tensors that some writers add and that hold nothing of their own.
fn ignored(name: &str, config: &ModelConfig) -> bool {
    name.ends_with("rotary_emb.inv_freq") || (config.tie_word_embeddings && name == "lm_head.weight")
}

fn shards(folder: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let single = folder.join(WEIGHTS_FILE);
    let index = folder.join(WEIGHTS_INDEX_FILE);
    if single.exists() || !index.exists() {
        return Ok(vec![single]);
    }
    let content = std::fs::read(&index).map_err(|source| io(LOAD, &index, source))?;
    let content: Value = serde_json::from_slice(&content).map_err(|error| malformed(LOAD, &index, error))?;
    let map = content["weight_map"].as_object().ok_or_else(|| malformed(LOAD, &index, "weight_map is missing"))?;
    let names: BTreeSet<&str> = map.values().filter_map(Value::as_str).collect();
    // A shard lies in the folder itself: a name with separators could point anywhere.
    if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1 || name.starts_with('.')) {
        return Err(malformed(LOAD, &index, format!("{name} is not a file name")));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_exact() {
        let cases: [(u16, f32); 9] = [
            (0x0000, 0.0),
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03FF, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3555, 0.333_251_95),
            (0x7C00, f32::INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half_to_single(bits), value, "{bits:#06x}");
        }
        assert!(half_to_single(0x7E00).is_nan());
        assert!(half_to_single(0x8000).is_sign_negative());
    }
}
