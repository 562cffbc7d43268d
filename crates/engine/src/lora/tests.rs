use super::*;
use crate::config::tests::small;

fn config(targets: &[LoraTarget]) -> LoraConfig {
    LoraConfig { rank: 3, alpha: 6.0, dropout: 0.0, targets: targets.to_vec(), rank_stabilised: false }
}

#[test]
fn settings_out_of_range_are_refused() {
    let model = small();
    let all = LoraTarget::ALL;
    for (wrong, field) in [
        (LoraConfig { rank: 0, ..config(&all) }, "r = 0"),
        (LoraConfig { rank: 2000, ..config(&all) }, "r = 2000"),
        (LoraConfig { alpha: f32::NAN, ..config(&all) }, "lora_alpha"),
        (LoraConfig { dropout: 1.0, ..config(&all) }, "lora_dropout = 1"),
        (config(&[]), "target_modules"),
        (config(&[LoraTarget::Up, LoraTarget::Up]), "target_modules"),
    ] {
        let error = Adapters::zeros(&model, wrong).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    assert!("w_proj".parse::<LoraTarget>().unwrap_err().contains("gate_proj"));
    assert!(LoraTarget::ALL.into_iter().all(|target| target.to_string().parse() == Ok(target)));
}

#[test]
fn pairs_lie_in_their_own_blocks() {
    let model = small();
    let targets = [LoraTarget::Value, LoraTarget::Query, LoraTarget::Down];
    let mut adapters = Adapters::init(&model, config(&targets), 1).unwrap();
    assert_eq!(adapters.pairs().count(), 3 * model.num_hidden_layers);
    for (number, mut pair) in adapters.pairs().collect::<Vec<_>>().into_iter().enumerate() {
        assert!(pair.a.iter().all(|value| value.abs() <= 0.25) && pair.b.iter().all(|value| *value == 0.0));
        pair.a.fill(number as f32 + 1.0);
        pair.b.fill(-(number as f32) - 1.0);
        adapters.set(&pair).unwrap();
        assert_eq!(adapters.pairs().nth(number), Some(pair));
    }
    let before = adapters.clone();
    adapters.clear_outside();
    assert_eq!(adapters, before, "nothing lies outside");
    // Queries and values are adapted, keys lie between them: rows 32..48 of the fused matrix get nothing.
    let mut rows = vec![0.0; model.qkv_width() * model.hidden_size];
    adapters.add_to(0, 0, 0, &mut rows);
    let changed: Vec<bool> = rows.chunks(model.hidden_size).map(|row| row.iter().any(|value| *value != 0.0)).collect();
    let expected: Vec<bool> = (0..model.qkv_width()).map(|row| !(32..48).contains(&row)).collect();
    assert_eq!(changed, expected);
    // A part of the rows gets the same.
    let mut part = vec![0.0; 10 * model.hidden_size];
    adapters.add_to(0, 0, 45, &mut part);
    assert_eq!(part, rows[45 * model.hidden_size..55 * model.hidden_size]);
}

#[test]
fn the_scale_is_that_of_the_papers() {
    let lora = config(&LoraTarget::ALL);
    assert_eq!(lora.scale(), 2.0);
    assert_eq!(LoraConfig { rank: 4, rank_stabilised: true, ..lora }.scale(), 3.0);
}
