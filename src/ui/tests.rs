//! Drawn snapshots, and what must hold for every picture.

mod fixture;
mod overlays;
mod panes;
mod rules;
mod spots;
mod tables;
