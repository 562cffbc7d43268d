//! Tests of the importers. Files are made up for them; nothing is copied from a data set.

mod hostile;
mod originals;
mod public;
mod recipes;
mod support;
mod workbooks;
