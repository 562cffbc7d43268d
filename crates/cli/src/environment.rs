//! Environment variables whose values cannot be used.

use std::env;
use std::ffi::OsStr;

const KERNELS: [&str; 5] = ["portable", "avx2", "avx512", "avx512bf16", "avx512amx"];

/// One sentence for each of `CHEMR_THREADS` and `CHEMR_ISA` that the engine will pass over.
pub fn complaints() -> Vec<String> {
    let value = |name| env::var_os(name);
    let of = |name, complaint: fn(&OsStr) -> Option<String>| value(name).and_then(|text| complaint(&text));
    [of("CHEMR_THREADS", threads), of("CHEMR_ISA", kernels)].into_iter().flatten().collect()
}

fn threads(text: &OsStr) -> Option<String> {
    let number = text.to_str().and_then(|text| text.trim().parse::<usize>().ok());
    let passed_over = number.is_none_or(|number| number == 0);
    passed_over.then(|| {
        format!("CHEMR_THREADS is `{}`, which is no number above 0; all cores are used", text.to_string_lossy())
    })
}

fn kernels(text: &OsStr) -> Option<String> {
    let wanted = text.to_string_lossy().trim().to_ascii_lowercase();
    let used = chemr_engine::kernel_name();
    if wanted.is_empty() || wanted == used {
        return None;
    }
    let why = match KERNELS.contains(&wanted.as_str()) {
        true => "which this processor does not have".to_owned(),
        false => format!("which is none of {}", KERNELS.join(", ")),
    };
    Some(format!("CHEMR_ISA is `{}`, {why}; {used} is used", text.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_engine_passes_over() {
        assert_eq!(threads(OsStr::new("2")), None);
        for wrong in ["x", "0", "-1", ""] {
            assert!(threads(OsStr::new(wrong)).unwrap().contains("CHEMR_THREADS"), "{wrong}");
        }
        assert_eq!(kernels(OsStr::new(chemr_engine::kernel_name())), None);
        assert_eq!(kernels(OsStr::new("")), None);
        assert!(kernels(OsStr::new("foo")).unwrap().contains("portable, avx2, avx512"));
    }
}
