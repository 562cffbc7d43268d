//! How a trainer computes: choices that trade speed, memory and rounding.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::kernels::gemm::Storage;

/// What the operands of matrix products are rounded to. Sums, weights, gradients and everything between the products are
/// single precision in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operands {
    /// Not at all, `fp32`.
    #[default]
    #[serde(rename = "fp32")]
    Single,
    /// To nearest even, `bf16`: half the packed weights. Where the processor and the system have the tiles of AMX, these multiply
    /// 32 values of the depth at once; where it has `vdpbf16ps` (AVX-512 BF16), this multiplies two; both round their sums
    /// in their own way and take denormal operands for zero. Elsewhere the products are computed by widening. Attention stays
    /// in single precision.
    #[serde(rename = "bf16")]
    Bf16,
}

impl Operands {
    /// All, most exact first.
    pub const ALL: [Self; 2] = [Self::Single, Self::Bf16];

    /// `fp32` or `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "fp32",
            Self::Bf16 => "bf16",
        }
    }

    /// How matrices are packed for such products.
    pub(crate) fn storage(self) -> Storage {
        match self {
            Self::Single => Storage::Single,
            Self::Bf16 => Storage::Bf16Pairs,
        }
    }
}

impl fmt::Display for Operands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operands {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|operands| operands.name() == text);
        found.ok_or_else(|| format!("{text:?} is no precision of training; use fp32 or bf16"))
    }
}

/// How a trainer computes. The default is single precision with everything kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compute {
    /// What the operands of matrix products are rounded to.
    pub operands: Operands,
    /// Keeps the inputs of the blocks and computes the rest once more on the way back (Chen et al. 2016): the activations of two
    /// blocks instead of all, for most of a forward pass more. The gradients have the same bits.
    pub recompute: bool,
}
