//! Writes a model folder with random weights in bf16, one file for each block, without ever holding more than one tensor:
//! for measuring what a model of a given size takes. The tokenizer files are copied from another folder.
//!
//! ```text
//! random_folder OUT TOKENIZER_FOLDER [8b | 1b]      shapes of Llama 3.1 8B and Llama 3.2 1B
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use safetensors::{Dtype, View};
use serde_json::{Map, Value, json};

/// Width, SwiGLU width, blocks, query heads, key/value heads, width of a head, tied head.
struct Shape {
    hidden: usize,
    wide: usize,
    layers: usize,
    heads: usize,
    key_values: usize,
    head_dim: usize,
    tied: bool,
}

const VOCAB: usize = 128_256;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, tokenizer, rest @ ..] = arguments.as_slice() else {
        return Err("usage: random_folder OUT TOKENIZER_FOLDER [8b | 1b]".into());
    };
    let shape = match rest.first().map_or("8b", String::as_str) {
        "8b" => Shape { hidden: 4096, wide: 14_336, layers: 32, heads: 32, key_values: 8, head_dim: 128, tied: false },
        "1b" => Shape { hidden: 2048, wide: 8192, layers: 16, heads: 32, key_values: 8, head_dim: 64, tied: true },
        other => return Err(format!("no shape {other}; there are 8b and 1b").into()),
    };
    let (out, tokenizer) = (Path::new(out), Path::new(tokenizer));
    std::fs::create_dir(out)?;
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
        std::fs::copy(tokenizer.join(name), out.join(name))?;
    }
    std::fs::write(out.join("config.json"), serde_json::to_string_pretty(&config(&shape))?)?;
    let mut map = Map::new();
    let mut total = 0;
    let mut seed = 1;
    for layer in 0..=shape.layers {
        let file = format!("model-{:05}-of-{:05}.safetensors", layer + 1, shape.layers + 1);
        let tensors = if layer < shape.layers { block(&shape, layer) } else { outside(&shape) };
        let mut views = Vec::new();
        for (name, size) in tensors {
            seed += 1;
            total += 2 * size.iter().product::<usize>();
            map.insert(name.clone(), Value::from(file.as_str()));
            views.push((name, Random { shape: size, seed }));
        }
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors::serialize_to_file(views, Some(metadata), &out.join(&file))?;
    }
    let index = json!({"metadata": {"total_size": total}, "weight_map": map});
    std::fs::write(out.join("model.safetensors.index.json"), index.to_string())?;
    println!("{} bytes of weights in {}", total, out.display());
    Ok(())
}

fn config(shape: &Shape) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
        "vocab_size": VOCAB, "hidden_size": shape.hidden, "intermediate_size": shape.wide,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_values, "head_dim": shape.head_dim, "hidden_act": "silu",
        "max_position_embeddings": 131_072, "rms_norm_eps": 1e-5, "rope_theta": 500_000.0,
        "rope_scaling": {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        "tie_word_embeddings": shape.tied, "attention_bias": false, "mlp_bias": false,
    })
}

type Named = (String, Vec<usize>);

fn block(shape: &Shape, layer: usize) -> Vec<Named> {
    let (query, key) = (shape.heads * shape.head_dim, shape.key_values * shape.head_dim);
    let named = |part: &str, size: &[usize]| (format!("model.layers.{layer}.{part}.weight"), size.to_vec());
    vec![
        named("self_attn.q_proj", &[query, shape.hidden]),
        named("self_attn.k_proj", &[key, shape.hidden]),
        named("self_attn.v_proj", &[key, shape.hidden]),
        named("self_attn.o_proj", &[shape.hidden, query]),
        named("mlp.gate_proj", &[shape.wide, shape.hidden]),
        named("mlp.up_proj", &[shape.wide, shape.hidden]),
        named("mlp.down_proj", &[shape.hidden, shape.wide]),
        named("input_layernorm", &[shape.hidden]),
        named("post_attention_layernorm", &[shape.hidden]),
    ]
}

fn outside(shape: &Shape) -> Vec<Named> {
    let table = vec![VOCAB, shape.hidden];
    let mut list =
        vec![("model.embed_tokens.weight".into(), table.clone()), ("model.norm.weight".into(), vec![shape.hidden])];
    if !shape.tied {
        list.push(("lm_head.weight".into(), table));
    }
    list
}

/// A tensor whose values are made when they are written: norms 1, matrices uniform with variance `1 / in`.
struct Random {
    shape: Vec<usize>,
    seed: u64,
}

impl View for Random {
    fn dtype(&self) -> Dtype {
        Dtype::BF16
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let count: usize = self.shape.iter().product();
        let bf16 = |value: f32| ((value.to_bits() >> 16) as u16).to_le_bytes();
        if self.shape.len() == 1 {
            return Cow::Owned(bf16(1.0).repeat(count));
        }
        let width = (12.0 / self.shape[1] as f32).sqrt();
        let mut state = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut bytes = Vec::with_capacity(2 * count);
        for _ in 0..count {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 40) as f32 / (1u64 << 24) as f32;
            bytes.extend_from_slice(&bf16((unit - 0.5) * width));
        }
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        2 * self.shape.iter().product::<usize>()
    }
}
