//! One declaration per recipe section: field, type, default and documentation together.
//!
//! The macro makes the struct, its `Default`, and a table of the documentation lines, from which the
//! resolved `config.toml` of a run gets its comments. So no key can exist without a default and a sentence.

/// Declares a recipe section. Every field needs a doc comment and a default.
macro_rules! section {
    (
        $(#[doc = $about:expr])+
        pub struct $name:ident {
            $( $(#[doc = $doc:expr])+ $field:ident : $type:ty = $default:expr ),+ $(,)?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type ),+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default ),+ }
            }
        }

        impl $name {
            /// What the section is for.
            pub const ABOUT: &'static str = concat!($($about, "\n"),+);
            /// Key and documentation of every field, in order.
            pub const KEYS: &'static [(&'static str, &'static str)] =
                &[ $( (stringify!($field), concat!($($doc, "\n"),+)) ),+ ];
        }
    };
}

/// Gives a section that has the optimizer's and the schedule's keys their resolved forms.
macro_rules! optimizer {
    ($($name:ident),+) => { $(
        impl $name {
            /// The optimizer's constants.
            pub(crate) fn adamw(&self) -> chemr_engine::AdamWConfig {
                chemr_engine::AdamWConfig {
                    beta1: self.beta1,
                    beta2: self.beta2,
                    eps: self.epsilon,
                    weight_decay: self.weight_decay,
                }
            }

            /// The learning rate over the phase.
            pub(crate) fn schedule(&self) -> crate::schedule::Schedule {
                crate::schedule::Schedule {
                    kind: self.schedule,
                    peak: self.learning_rate,
                    warmup: self.warmup_steps,
                    total: self.steps,
                    final_ratio: self.final_ratio,
                    decay_share: self.decay_share,
                }
            }

            /// Where the global gradient norm is clipped, if it is.
            pub(crate) fn max_norm(&self) -> Option<f32> {
                (self.max_grad_norm > 0.0).then_some(self.max_grad_norm)
            }
        }
    )+ };
}

pub(crate) use optimizer;
pub(crate) use section;
