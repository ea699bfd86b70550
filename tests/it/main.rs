//! Every test that goes through public interfaces, in one binary.

mod architecture;
mod backend;
mod bmc;
mod cli;
mod cli_bmc;
mod cli_config;
mod cli_terminal;
mod config;
mod console;
mod fuzz;
mod hub;
mod lab;
mod readme;
mod screen;
mod sim;
mod support;
mod tui_actions;
mod tui_bmc_faults;
mod tui_console;
mod tui_faults;
mod tui_flood;
mod tui_guest;
mod tui_prefix;
mod tui_table;
mod whole;
