//! Language-model engine: Llama-family decoder with hand-written forward and backward on the CPU.
//!
//! The model is a fixed graph (RMSNorm, rotary embedding, grouped-query attention, SwiGLU), with what Llama, Mistral, Qwen2 and
//! Qwen3 add to it ([`Architecture`]). Forward and backward are written by hand over a small set of fused kernels; there is no
//! general automatic differentiation.
//! Sequences of different lengths are packed without padding ([`PackedBatch`]), the logits of the whole batch are never
//! stored, and every result is the same for every number of threads ([`set_threads`]).

mod architecture;
mod batch;
pub mod chat;
mod chunk;
mod compute;
mod config;
mod device;
mod dropout;
mod error;
mod frame;
mod generate;
mod graph;
pub mod hf;
mod inference;
pub mod kernels;
mod lora;
mod objective;
mod pool;
mod rng;
mod rotary;
mod sampling;
mod state;
pub mod tokenizer;
mod trainer;
mod weights;

pub use architecture::{Architecture, Family, RopeScaling};
pub use batch::PackedBatch;
pub use chat::{ChatMessage, ChatTemplate, ChatVariables};
pub use compute::{Compute, Operands};
pub use config::{MAX_HEAD_DIM, ModelConfig};
pub use error::EngineError;
pub use generate::{Constraint, Controls, Event, Generated, Generator, StopReason, StopStream, StopStrings};
pub use hf::{
    adapter_base, check_folder, load_adapted_inference_folder, load_adapter, load_config, load_folder,
    load_inference_folder, load_inference_model, load_merged_folder, load_merged_inference_folder, load_model,
    save_adapter, save_adapter_with, save_folder, save_folder_with,
};
pub use inference::{InferenceModel, Precision};
pub use lora::{Adapters, LoraConfig, LoraPair, LoraTarget, LoraTrainer};
pub use objective::{CrossEntropy, Objective, TokenLoss};
pub use pool::{set_threads, threads};
pub use sampling::{GenerationDefaults, Sampling, TokenMask};
pub use tokenizer::{Tokenizer, TokenizerError, TokenizerTraining};
pub use trainer::{AdamWConfig, LogProbs, Scorer, StepStats, Trainer};
pub use weights::{LayerWeights, Model, NamedTensor, NamedTensorMut, Weights};

/// Name of the kernels that run on this processor: `portable`, `avx2`, `avx512`, and `avx512bf16` or `avx512amx` where products of
/// bf16 pairs have instructions of their own. All but `portable` give the same bits in single precision.
pub fn kernel_name() -> &'static str {
    kernels::simd::kernel_name()
}
