//! Matrix products (signatures first).

/// What happens to the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /** c = a b */
    Overwrite,
    /** c += a b */
    Add,
}

/// The right-hand matrix of a product, packed once for the kernels.
#[derive(Clone, Debug)]
pub(crate) struct PackedMatrix {
    _n: usize,
}

impl PackedMatrix {
    /// Packs a weight `[out, in]` (row-major) for `c[m, out] = a[m, in] * w^T`.
    pub(crate) fn from_weight(_weight: &[f32], out: usize, _input: usize) -> Self {
        Self { _n: out }
    }
    /// `c[m, out]` (rows contiguous) from `a[m, in]`, on all threads. Any `m`; `m` of 1 to 32 has its own path.
    pub(crate) fn multiply(&self, _a: &[f32], _m: usize, _c: &mut [f32], _store: Store) {
        unimplemented!()
    }
}
