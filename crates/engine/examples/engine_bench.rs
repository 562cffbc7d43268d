//! Measures training and generation; one line of JSON for each result. `benches/engine/compare.py` drives it.
//!
//! ```text
//! engine_bench train MODEL_FOLDER BATCH_FILE LENGTH STEPS [fp32|bf16] [recompute]   model: Hugging Face folder; batch: u32 rows of LENGTH + 1
//! engine_bench generate MODEL_FOLDER PROMPT_FILE LENGTH NEW REPEATS    prompts: u32 rows of LENGTH
//! engine_bench decode MODEL_FOLDER fp32|bf16|int8 PROMPT NEW BATCH   loading, memory and rate; weights from disk
//! engine_bench peak        multiply-adds in registers (fp32, bf16) and bytes read from memory a second, all threads together
//! engine_bench speed HIDDEN WIDE LAYERS HEADS KEY_VALUES VOCAB [LENGTH] [TOKENS] [SECONDS]   random weights and tokens
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use chemr_engine::kernels::peak::{bf16_multiply_add_rate, multiply_add_rate};
use chemr_engine::{
    AdamWConfig, Compute, CrossEntropy, Generator, Model, ModelConfig, Operands, PackedBatch, Precision, Sampling,
    Trainer, load_inference_model, load_model, threads,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize| arguments.get(index).map(String::as_str).ok_or("see the usage in the source");
    let number = |index: usize| -> Result<usize, Box<dyn Error>> { Ok(text(index)?.parse()?) };
    let optional = |index: usize, default: usize| match arguments.get(index) {
        Some(value) => value.parse(),
        None => Ok(default),
    };
    match text(0)? {
        "train" => {
            let model = load_model(Path::new(text(1)?))?;
            let batch = batch(&read_rows(text(2)?, number(3)? + 1)?)?;
            let operands = arguments.get(5).map_or(Ok(Operands::Single), |text| text.parse())?;
            let recompute = arguments.get(6).is_some_and(|text| text == "recompute");
            train(model, &batch, number(4)?, Compute { operands, recompute })
        }
        "generate" => {
            let model = load_model(Path::new(text(1)?))?;
            generate(&model, &read_rows(text(2)?, number(3)?)?, number(4)?, number(5)?)
        }
        "decode" => decode(Path::new(text(1)?), text(2)?.parse()?, number(3)?, number(4)?, number(5)?),
        "peak" => {
            let (rate, bandwidth) = (multiply_add_rate() / 1e9, bandwidth() / 1e9);
            let rounded = bf16_multiply_add_rate() / 1e9;
            println!(
                "{{\"gflops\": {rate:.1}, \"bf16_gflops\": {rounded:.1}, \"gb_per_s\": {bandwidth:.1}, \"threads\": {}}}",
                threads()
            );
            Ok(())
        }
        "speed" => {
            let config = ModelConfig {
                hidden_size: number(1)?,
                intermediate_size: number(2)?,
                num_hidden_layers: number(3)?,
                num_attention_heads: number(4)?,
                num_key_value_heads: number(5)?,
                vocab_size: number(6)?,
                head_dim: number(1)? / number(4)?.max(1),
                max_position_embeddings: 4096,
                rms_norm_eps: 1e-5,
                rope_theta: 10_000.0,
                tie_word_embeddings: true,
                bos_token_id: None,
                eos_token_id: None,
                more_eos_token_ids: Vec::new(),
                pad_token_id: None,
            };
            speed(config, optional(7, 100)?, optional(8, 8192)?, optional(9, 10)?)
        }
        other => Err(format!("unknown command {other}: see the usage in the source").into()),
    }
}

fn read_rows(path: &str, length: usize) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let ids: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(ids.chunks_exact(length).map(<[u32]>::to_vec).collect())
}

fn batch(rows: &[Vec<u32>]) -> Result<PackedBatch, Box<dyn Error>> {
    let mut batch = PackedBatch::new();
    for row in rows {
        batch.push(row, &vec![1.0; row.len() - 1])?;
    }
    Ok(batch)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Largest resident memory of this process in MB (Linux), else 0.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Processor seconds of this process, all threads (Linux, in hundredths), else 0: what counts on a machine with other work.
fn processor_seconds() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = status.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn train(model: Model, batch: &PackedBatch, steps: usize, compute: Compute) -> Result<(), Box<dyn Error>> {
    let config = AdamWConfig { weight_decay: 0.01, ..AdamWConfig::default() };
    let mut trainer = Trainer::computing(model, config, compute);
    let objective = CrossEntropy { denominator: batch.len() as f32 };
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        let begin = Instant::now();
        let stats = trainer.accumulate(batch, &objective)?;
        trainer.step(1e-3, None);
        seconds.push(begin.elapsed().as_secs_f64());
        losses.push(stats.loss_sum);
    }
    // The first step allocates.
    let warm = if seconds.len() > 1 { &mut seconds[1..] } else { &mut seconds[..] };
    let middle = median(warm);
    println!(
        "{{\"seconds\": {middle:.5}, \"best\": {:.5}, \"tokens\": {}, \"losses\": {losses:?}, \"peak_rss_mb\": {}, \"threads\": {}}}",
        warm[0],
        batch.len(),
        peak_memory(),
        threads()
    );
    Ok(())
}

fn generate(model: &Model, prompts: &[Vec<u32>], new: usize, repeats: usize) -> Result<(), Box<dyn Error>> {
    let seeds = vec![0; prompts.len()];
    let sampling = Sampling::greedy(new, Vec::new());
    let (mut seconds, mut sum) = (Vec::new(), 0u64);
    for _ in 0..repeats.max(1) {
        let begin = Instant::now();
        let done = Generator::new(model).generate(prompts, &sampling, &seeds)?;
        seconds.push(begin.elapsed().as_secs_f64());
        // Position-weighted sum of all ids: equal sums mean equal tokens.
        let ids = done.iter().flat_map(|one| one.tokens.iter().enumerate());
        sum = ids.map(|(place, id)| (place as u64 + 1) * u64::from(*id)).sum();
    }
    let middle = median(&mut seconds);
    println!(
        "{{\"seconds\": {middle:.5}, \"best\": {:.5}, \"tokens\": {}, \"checksum\": {sum}, \"peak_rss_mb\": {}, \"threads\": {}}}",
        seconds[0],
        prompts.len() * new,
        peak_memory(),
        threads()
    );
    Ok(())
}

/// Loads a folder and continues random prompts; every decoding step reads all block and head weights once.
fn decode(folder: &Path, precision: Precision, length: usize, new: usize, batch: usize) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let model = load_inference_model(folder, precision)?;
    let load = begin.elapsed().as_secs_f64();
    let loaded = peak_memory();
    let vocab = model.config().vocab_size;
    let prompt = |row: usize| (0..length).map(|i| ((row * 7919 + i * 104_729) % vocab) as u32).collect();
    let prompts: Vec<Vec<u32>> = (0..batch).map(prompt).collect();
    let mut generator = Generator::packed(&model);
    let mut timed = |new: usize| -> Result<f64, Box<dyn Error>> {
        let begin = Instant::now();
        generator.generate(&prompts, &Sampling::greedy(new, Vec::new()), &vec![0; batch])?;
        Ok(begin.elapsed().as_secs_f64())
    };
    timed(2)?;
    // The first token comes from the prompt pass.
    let first = timed(1)?;
    let step = (timed(new + 1)? - first) / new as f64;
    let table = (vocab * model.config().hidden_size) as u64 * if precision == Precision::Single { 4 } else { 2 };
    let read = precision.weight_bytes(model.config()) - table;
    println!(
        "{{\"precision\": \"{precision}\", \"load_seconds\": {load:.1}, \"loaded_rss_mb\": {loaded}, \"prompt_tokens_per_s\": {:.1}, \"tokens_per_s\": {:.2}, \"read_gb_per_s\": {:.1}, \"peak_rss_mb\": {}, \"threads\": {}}}",
        (length * batch) as f64 / first,
        batch as f64 / step,
        read as f64 / step / 1e9,
        peak_memory(),
        threads()
    );
    Ok(())
}

/// Best of several passes over a gigabyte for each thread.
fn bandwidth() -> f64 {
    const LINES: usize = 1 << 24;
    let read = |data: &[[u64; 8]]| {
        data.iter().fold([0u64; 8], |mut sum, line| {
            sum.iter_mut().zip(line).for_each(|(sum, value)| *sum ^= value);
            sum
        })
    };
    let buffers: Vec<Vec<[u64; 8]>> = (0..threads()).map(|thread| vec![[thread as u64 + 1; 8]; LINES]).collect();
    let mut best = 0.0f64;
    for _ in 0..8 {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for buffer in &buffers {
                scope.spawn(|| std::hint::black_box(read(std::hint::black_box(buffer))));
            }
        });
        best = best.max((buffers.len() * LINES * 64) as f64 / begin.elapsed().as_secs_f64());
    }
    best
}

/// Sequences of lengths around `length`, the second half of each supervised (a prompt and its answer).
fn speed(config: ModelConfig, length: usize, tokens: usize, budget: usize) -> Result<(), Box<dyn Error>> {
    let (vocab, layers) = (config.vocab_size, config.num_hidden_layers);
    let width = config.query_width();
    let model = Model::init(config, 1)?;
    let matrices = model.parameter_count();
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for share in [1.0, 0.5] {
        let mut batch = PackedBatch::new();
        while batch.len() < tokens {
            let count = (length / 2 + next() % length.max(1)).max(2);
            let ids: Vec<u32> = (0..=count).map(|_| (next() % vocab) as u32).collect();
            let prompt = ((1.0 - share) * count as f64) as usize;
            let weights: Vec<f32> = (0..count).map(|place| f32::from(u8::from(place >= prompt))).collect();
            batch.push(&ids, &weights)?;
        }
        let objective = CrossEntropy { denominator: batch.supervised() as f32 };
        let mut trainer = Trainer::new(model.clone(), AdamWConfig::default());
        let mut seconds = Vec::new();
        let start = Instant::now();
        let before = processor_seconds();
        while seconds.len() < 4 || start.elapsed().as_secs_f64() < budget as f64 {
            let begin = Instant::now();
            trainer.accumulate(&batch, &objective)?;
            trainer.step(1e-4, Some(1.0));
            seconds.push(begin.elapsed().as_secs_f64());
        }
        let processor = (processor_seconds() - before) / seconds.len() as f64;
        let middle = median(&mut seconds);
        let best = seconds[0];
        // Multiply-adds of a fully supervised token, forward and backward; causal attention counted half.
        let flops = 6.0 * matrices as f64 + 6.0 * (layers * width * length) as f64;
        println!(
            "{{\"supervised\": {share}, \"parameters\": {matrices}, \"positions\": {}, \"tokens_per_s\": {:.0}, \"best_tokens_per_s\": {:.0}, \"nominal_gflops\": {:.0}, \"gflops_per_processor\": {:.0}, \"peak_rss_mb\": {}, \"threads\": {}}}",
            batch.len(),
            batch.len() as f64 / middle,
            batch.len() as f64 / best,
            flops * batch.len() as f64 / best / 1e9,
            flops * batch.len() as f64 / processor / 1e9,
            peak_memory(),
            threads()
        );
    }
    Ok(())
}
