//! What the driver does against a scripted BMC on loopback.
