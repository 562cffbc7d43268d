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

pub(crate) use section;
