//! Buffers are planned once: a warm training step asks the system for bookkeeping only, never for a tensor.

#![allow(unsafe_code)] // a counting allocator cannot be written without

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use chemr_engine::{AdamWConfig, Compute, CrossEntropy, Model, ModelConfig, Operands, PackedBatch, Trainer};
use common::fixture_config;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

/// Notes the largest request.
struct Counting;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_step_allocates_no_tensor() {
    let config = ModelConfig {
        vocab_size: 300,
        hidden_size: 64,
        intermediate_size: 160,
        head_dim: 16,
        max_position_embeddings: 256,
        ..fixture_config(false)
    };
    let mut batch = PackedBatch::new();
    for row in 0..12u32 {
        let tokens: Vec<u32> = (0..101).map(|place| (row * 131 + place * 17) % 300).collect();
        batch.push(&tokens, &[1.0; 100]).unwrap();
    }
    for operands in Operands::ALL {
        let compute = Compute { operands, recompute: true };
        let mut trainer = Trainer::computing(Model::init(config.clone(), 1).unwrap(), AdamWConfig::default(), compute);
        for step in 0..4 {
            LARGEST.store(0, Ordering::Relaxed);
            trainer.accumulate(&batch, &CrossEntropy { denominator: 1200.0 }).unwrap();
            trainer.step(1e-3, Some(1.0));
            let largest = LARGEST.load(Ordering::Relaxed);
            println!("{operands}, step {step}: at most {largest} bytes at once");
            // Lists of tensors: a row of the logits would be 1200 bytes.
            assert!(step < 2 || largest < 1024, "{operands}, step {step}: {largest} bytes at once");
        }
    }
}
