//! The decoders of `lightsout` under fuzzing. Includes the two rooms that read datagrams, without I/O and without
//! the rest of the program, so that a build takes seconds.

#[path = "../../src"]
mod rooms {
    pub mod ipmi;

    /// The simulated BMC, without the fleet's sockets.
    #[path = "sim"]
    pub mod sim {
        pub mod bmc;
        pub mod faults;
        pub mod machine;

        pub use bmc::{Bmc, BmcSpec, User};
    }
}

pub mod peer;
pub mod script;
pub mod targets;

pub use rooms::{ipmi, sim};
