//! Everything the server promises, on both engines; the tree is the URL tree.

mod conformance;
mod document;
mod leads;
