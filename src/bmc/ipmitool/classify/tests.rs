use super::*;
use crate::fleet::{BmcReset, BootDevice, BootSetting, Identify};

const LONG: Duration = Duration::from_secs(20);

fn out(status: i32, stdout: &str, stderr: &str) -> Outcome {
    Outcome { status: Some(status), stdout: stdout.into(), stderr: stderr.into(), timed_out: false }
}

fn read(exchange: &Exchange, outcome: &Outcome) -> Result<Reply, BmcError> {
    classify(exchange, "10.1.1.1", LONG, outcome)
}

fn fails(exchange: &Exchange, outcome: &Outcome) -> BmcError {
    read(exchange, outcome).expect_err("a failure")
}

/// stderr of a login that failed with `cause`.
fn no_login(cause: &str) -> Outcome {
    out(
        1,
        "",
        &format!(
            "Loading IANA PEN Registry...\n{cause}\n\nError: Unable to establish IPMI v2 / RMCP+ session\n"
        ),
    )
}

/// stderr of a session in which `line` was said.
fn in_session(line: &str) -> String {
    format!(
        "Loading IANA PEN Registry...\nGet HPM.x Capabilities request failed, compcode = d4\n\
         Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\n\
         Invalid completion code received: Insufficient privilege level\nDiscovered IPMB address 0x0\n{line}\n"
    )
}

const PXE: BootSetting = BootSetting { device: Some(BootDevice::Pxe), persistent: false, uefi: false };
const PXE_UEFI: BootSetting = BootSetting { device: Some(BootDevice::Pxe), persistent: false, uefi: true };
const COLD: Exchange = Exchange::ResetBmc(BmcReset::Cold);

#[test]
fn every_failed_login_has_its_class_and_was_not_sent() {
    let status = |word: &str| format!("Error in open session response message : {word}");
    let rows = [
        ("> RAKP 2 HMAC is invalid".to_owned(), FaultClass::Auth, "wrong password"),
        ("> RAKP 4 message has invalid integrity check value".to_owned(), FaultClass::Auth, "Kg"),
        (
            "RAKP 4 message indicates an error : invalid integrity check value".to_owned(),
            FaultClass::Auth,
            "wrong password",
        ),
        (
            "RAKP 2 message indicates an error : unauthorized name".to_owned(),
            FaultClass::Auth,
            "does not know this user",
        ),
        (
            "RAKP 2 message indicates an error : unauthorized role requested".to_owned(),
            FaultClass::Auth,
            "privilege level",
        ),
        (
            "RAKP 2 message indicates an error : invalid name length".to_owned(),
            FaultClass::Auth,
            "so long a user name",
        ),
        (
            "Set Session Privilege Level to ADMINISTRATOR failed: Unknown (0x81)".to_owned(),
            FaultClass::Auth,
            "privilege level",
        ),
        (
            "Set Session Privilege Level to ADMINISTRATOR failed: Node busy".to_owned(),
            FaultClass::Busy,
            "busy",
        ),
        (
            "Set Session Privilege Level to ADMINISTRATOR failed".to_owned(),
            FaultClass::Timeout,
            "fell silent",
        ),
        (
            "> Error: no response from RAKP 1 message\nSet Session Privilege Level to ADMINISTRATOR failed"
                .to_owned(),
            FaultClass::Timeout,
            "fell silent",
        ),
        ("> Error: no response from RAKP 3 message".to_owned(), FaultClass::Timeout, "fell silent"),
        ("Timeout in open session response message.".to_owned(), FaultClass::Timeout, "fell silent"),
        (
            "Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request"
                .to_owned(),
            FaultClass::Unreachable,
            "no answer",
        ),
        (
            "Address lookup for nosuch failed\nCould not open socket!".to_owned(),
            FaultClass::Unreachable,
            "does not resolve",
        ),
        ("Could not open socket!".to_owned(), FaultClass::Unreachable, "no socket"),
        (status("insufficient resources for session"), FaultClass::Busy, "no free session"),
        (status("insufficient resources for role"), FaultClass::Busy, "no free session"),
        (status("invalid authentication algorithm"), FaultClass::Unsupported, "cipher suite"),
        (status("invalid integrity algorithm"), FaultClass::Unsupported, "cipher suite"),
        (status("no matching cipher suite"), FaultClass::Unsupported, "cipher suite"),
        (status("illegal parameter"), FaultClass::Protocol, "illegal parameter"),
        (status("unauthorized GUID"), FaultClass::Protocol, "unauthorized GUID"),
        (
            "Unsupported cipher suite ID : 99".to_owned(),
            FaultClass::Unsupported,
            "does not know the cipher suite",
        ),
        ("lanplus: password is longer than 20 bytes.".to_owned(), FaultClass::Local, "too long"),
        ("Unable to open password file /x".to_owned(), FaultClass::Local, "password file"),
        (String::new(), FaultClass::Protocol, "does not say why"),
    ];
    for (cause, class, part) in rows {
        let error = fails(&Exchange::Power, &no_login(&cause));
        assert_eq!(error.class, class, "{cause}");
        assert!(error.not_sent, "{cause}");
        assert!(error.reason.starts_with("cannot log in to 10.1.1.1: "), "{error}");
        assert!(error.reason.contains(part), "{error}");
    }
}

#[test]
fn a_login_that_was_started_over_is_no_failed_login() {
    // Recorded: the first RAKP 1 got lost, then the answer to the command, which had been carried out.
    for first in ["> Error: no response from RAKP 1 message", "> Error: no response from RAKP 3 message"] {
        let stderr = format!(
            "Loading IANA PEN Registry...\n{first}\n\
             Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\n\
             Invalid completion code received: Invalid command\nDiscovered IPMB address 0x0\n\
             Unable to set Chassis Power Control to Reset\nClose Session command failed\n"
        );
        let error = fails(&Exchange::Reset, &out(1, "", &stderr));
        assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{error}");
        // No line tells how the second login went: then it may have gone well.
        let error = fails(&Exchange::Reset, &out(1, "", &format!("{first}\n")));
        assert!(!error.not_sent, "{error}");
    }
}

#[test]
fn a_failed_sol_login_is_told_without_the_address_and_other_text_is_none() {
    let error = classify_sol(
        "\r\n> RAKP 2 HMAC is invalid\r\nError: Unable to establish IPMI v2 / RMCP+ session\r\n",
    );
    assert_eq!(error.expect("a login").class, FaultClass::Auth);
    assert_eq!(classify_sol("Info: SOL payload already active on another session\r\n"), None);
    assert_eq!(classify_sol("motd: > RAKP 2 HMAC is invalid\r\n"), None);
}

fn classify_sol(text: &str) -> Option<BmcError> {
    crate::bmc::ipmitool::classify_login(text)
}

#[test]
fn only_whole_lines_are_a_power_state() {
    let power = |text: &str| read(&Exchange::Power, &out(0, text, ""));
    assert_eq!(power("Chassis Power is on\n"), Ok(Reply::Power(Power::On, None)));
    assert_eq!(power("Chassis Power is off\n"), Ok(Reply::Power(Power::Off, None)));
    for text in [
        "RMCP+ verificatiON timeout",
        "Chassis Power is onx",
        "x Chassis Power is on",
        "Chassis Power is",
        "",
    ] {
        assert_eq!(power(text).expect_err(text).class, FaultClass::Protocol, "{text}");
    }
}

#[test]
fn noise_and_a_bmc_that_goes_before_the_close_do_not_spoil_success() {
    let noise = in_session("Close Session command failed");
    let reply = read(&Exchange::Power, &out(0, "Chassis Power is on\n", &noise));
    assert_eq!(reply, Ok(Reply::Power(Power::On, None)));
    let reply = read(&Exchange::Off, &out(0, "Chassis Power Control: Down/Off\n", &noise));
    assert_eq!(reply, Ok(Reply::Done));
}

#[test]
fn each_power_verb_needs_its_own_line() {
    let rows = [
        (Exchange::On, "Up/On"),
        (Exchange::Off, "Down/Off"),
        (Exchange::Soft, "Soft"),
        (Exchange::Cycle, "Cycle"),
        (Exchange::Reset, "Reset"),
        (Exchange::Nmi, "Diag"),
    ];
    for (exchange, word) in rows {
        let done = format!("Chassis Power Control: {word}\n");
        assert_eq!(read(&exchange, &out(0, &done, "")), Ok(Reply::Done), "{word}");
        assert_eq!(fails(&exchange, &out(0, "", "")).class, FaultClass::Protocol, "{word}");
        let text = in_session(&format!(
            "Set Chassis Power Control to {word} failed: Command not supported in present state"
        ));
        let error = fails(&exchange, &out(1, "", &text));
        assert_eq!((error.class, error.code), (FaultClass::Rejected, Some(0xd5)), "{word}");
        assert!(error.reason.contains("not supported in the present state (0xd5)"), "{error}");
        assert!(!error.not_sent);
        let text = in_session(&format!(
            "Unable to set Chassis Power Control to {word}\nClose Session command failed"
        ));
        let error = fails(&exchange, &out(1, "", &text));
        assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false), "{word}");
    }
}

#[test]
fn completion_codes_have_their_class() {
    let rows = [
        ("Node busy", 0xc0, FaultClass::Busy),
        ("Invalid command", 0xc1, FaultClass::Unsupported),
        ("Invalid command on LUN", 0xc2, FaultClass::Unsupported),
        ("Timeout", 0xc3, FaultClass::Busy),
        ("Out of space", 0xc4, FaultClass::Busy),
        ("Parameter out of range", 0xc9, FaultClass::Rejected),
        ("Invalid data field in request", 0xcc, FaultClass::Rejected),
        ("Command response could not be provided", 0xce, FaultClass::Rejected),
        ("Device firmeware in update mode", 0xd1, FaultClass::Busy),
        ("BMC initialization in progress", 0xd2, FaultClass::Busy),
        ("Insufficient privilege level", 0xd4, FaultClass::Auth),
        ("Command not supported in present state", 0xd5, FaultClass::Rejected),
        ("Cannot execute command, command disabled", 0xd6, FaultClass::Rejected),
        ("Unspecified error", 0xff, FaultClass::Rejected),
        ("Unknown (0x80)", 0x80, FaultClass::Rejected),
    ];
    for (word, code, class) in rows {
        let text = in_session(&format!("Set Chassis Power Control to Reset failed: {word}"));
        let error = fails(&Exchange::Reset, &out(1, "", &text));
        assert_eq!((error.code, error.class), (Some(code), class), "{word}");
        assert!(!error.not_sent, "{word}");
        let text = in_session(&format!(
            "RAW REQ (channel=0x0 netfn=0x6 lun=0x0 cmd=0x2 data_len=0)\n\
             Unable to send RAW command (channel=0x0 netfn=0x6 lun=0x0 cmd=0x2 rsp={code:#x}): {word}"
        ));
        let error = fails(&Exchange::Raw(vec![6, 2]), &out(1, "", &text));
        assert_eq!((error.code, error.class), (Some(code), class), "raw {word}");
    }
    let text = in_session("Set Chassis Power Control to Reset failed: Insufficient privilege level");
    let hint = fails(&Exchange::Reset, &out(1, "", &text)).hint.expect("a hint");
    assert!(hint.contains("privilege"), "{hint}");
}

#[test]
fn a_boot_device_that_is_refused_is_a_failure_although_ipmitool_exits_0() {
    let set = Exchange::BootSet(PXE);
    let both = in_session(
        "Set Chassis Boot Parameter 4 failed: Invalid data field in request\n\
         Set Chassis Boot Parameter 5 failed: Invalid data field in request",
    );
    let error = fails(&set, &out(0, "", &both));
    assert_eq!((error.class, error.code), (FaultClass::Rejected, Some(0xcc)));
    let four = in_session("Set Chassis Boot Parameter 4 failed: Unknown (0x80)");
    assert_eq!(fails(&set, &out(0, "", &four)).code, Some(0x80));
    // Without the information parameter the device can be set all the same.
    assert_eq!(read(&set, &out(0, "Set Boot Device to pxe\n", &four)), Ok(Reply::Done));
    let five = in_session("Set Chassis Boot Parameter 5 failed: Unknown (0x80)");
    assert_eq!(fails(&set, &out(0, "Set Boot Device to pxe\n", &five)).class, FaultClass::Rejected);
    assert_eq!(fails(&set, &out(0, "", &in_session(""))).class, FaultClass::Protocol);
    let silent = in_session("Error setting Chassis Boot Parameter 0\nError setting Chassis Boot Parameter 4");
    assert_eq!(fails(&set, &out(1, "", &silent)).class, FaultClass::Timeout);
}

#[test]
fn boot_flags_go_and_come_back_raw() {
    let refused = in_session(
        "Unable to send RAW command (channel=0x0 netfn=0x0 lun=0x0 cmd=0x8 rsp=0xd4): Insufficient privilege level",
    );
    assert_eq!(fails(&Exchange::BootSet(PXE_UEFI), &out(1, "", &refused)).class, FaultClass::Auth);
    assert_eq!(fails(&Exchange::KeepBootFlags, &out(1, "", &refused)).code, Some(0xd4));
    assert_eq!(read(&Exchange::BootSet(PXE_UEFI), &out(0, "\n", "")), Ok(Reply::Done));
    let text = "Boot parameter 5 is valid/unlocked\nBoot parameter data: a004000000\n";
    assert_eq!(read(&Exchange::BootGet, &out(0, text, "")), Ok(Reply::Boot(PXE_UEFI)));
    assert_eq!(fails(&Exchange::BootGet, &out(0, "", "")).class, FaultClass::Protocol);
    let refused = in_session("Get Chassis Boot Parameter 5 failed: Invalid command");
    assert_eq!(fails(&Exchange::BootGet, &out(1, "", &refused)).class, FaultClass::Unsupported);
}

#[test]
fn a_bmc_that_goes_silent_on_its_own_reset_has_accepted_it() {
    let sent = "RAW REQ (channel=0x0 netfn=0x6 lun=0x0 cmd=0x2 data_len=0)\n";
    let unanswered = format!(
        "{sent}Unable to send RAW command (channel=0x0 netfn=0x6 lun=0x0 cmd=0x2)\nClose Session command failed"
    );
    assert_eq!(read(&COLD, &out(0, "\n", &in_session(sent))), Ok(Reply::Done));
    assert_eq!(read(&COLD, &out(1, "", &in_session(&unanswered))), Ok(Reply::Done));
    let cut = Outcome { status: None, timed_out: true, ..out(1, "", &in_session(sent)) };
    assert_eq!(read(&COLD, &cut), Ok(Reply::Done));

    let refused = format!(
        "{sent}Unable to send RAW command (channel=0x0 netfn=0x6 lun=0x0 cmd=0x2 rsp=0xc1): Invalid command"
    );
    let error = fails(&COLD, &out(1, "", &in_session(&refused)));
    assert_eq!((error.class, error.code), (FaultClass::Unsupported, Some(0xc1)));
    // Silent before the reset was sent: it proves nothing.
    let before = format!("Error sending request.\nGet Device ID command failed\n{}", in_session(&unanswered));
    assert_eq!(fails(&COLD, &out(1, "", &before)).class, FaultClass::Timeout);
    // Other raw bytes are no reset.
    assert_eq!(
        fails(&Exchange::Raw(vec![6, 2]), &out(1, "", &in_session(&unanswered))).class,
        FaultClass::Timeout
    );
}

#[test]
fn freeing_a_free_sol_is_no_error() {
    let free = in_session("Info: SOL payload already de-activated");
    assert_eq!(read(&Exchange::SolDeactivate, &out(1, "", &free)), Ok(Reply::Done));
    assert_eq!(read(&Exchange::SolDeactivate, &out(0, "", "")), Ok(Reply::Done));
    let refused = in_session("Error de-activating SOL payload: Invalid command");
    assert_eq!(fails(&Exchange::SolDeactivate, &out(1, "", &refused)).class, FaultClass::Unsupported);
    let silent = in_session("Error: No response de-activating SOL payload");
    assert_eq!(fails(&Exchange::SolDeactivate, &out(1, "", &silent)).class, FaultClass::Timeout);
    let disabled = in_session("Info: SOL payload type disabled");
    assert_eq!(fails(&Exchange::SolDeactivate, &out(1, "", &disabled)).class, FaultClass::Rejected);
}

#[test]
fn a_locator_led_and_its_state() {
    let light = Exchange::Identify(Identify::USUAL);
    assert_eq!(read(&light, &out(0, "Chassis identify interval: 240 seconds\n", "")), Ok(Reply::Done));
    let refused = in_session("Set Chassis Identify failed: Invalid command");
    let error = fails(&light, &out(1, "", &refused));
    assert_eq!((error.class, error.code), (FaultClass::Unsupported, Some(0xc1)));
    assert!(error.reason.contains("turn the locator LED on"), "{error}");
    let silent = in_session("Unable to set Chassis Identify");
    assert_eq!(fails(&light, &out(1, "", &silent)).class, FaultClass::Timeout);

    let led = |stdout: &str| read(&Exchange::Locator, &out(0, stdout, ""));
    assert_eq!(led(" 21 00 50\n"), Ok(Reply::Locator(Some(Locator::Timed))));
    assert_eq!(led(" 21 00 00\n"), Ok(Reply::Locator(None)));
    assert_eq!(fails(&Exchange::Locator, &out(0, "zz", "")).class, FaultClass::Protocol);
}

#[test]
fn whether_the_sol_is_held_is_read_but_not_by_whom() {
    let holder = |stdout: &str| read(&Exchange::SolHolder, &out(0, stdout, ""));
    assert_eq!(holder(" 78 56 34 12 01 00 00 00 00 00 00 00\n"), Ok(Reply::SolHolder(SolHolder::Held(None))));
    assert_eq!(holder(" 00 00 00 00 00 00 00 00 00 00 00 00\n"), Ok(Reply::SolHolder(SolHolder::Nobody)));
    assert_eq!(fails(&Exchange::SolHolder, &out(0, " 00 00\n", "")).class, FaultClass::Protocol);
}

#[test]
fn a_wall_clock_limit_tells_dead_from_silent() {
    let cut = |stderr: &str| Outcome {
        status: None,
        timed_out: true,
        stdout: String::new(),
        stderr: stderr.into(),
    };
    let short =
        |outcome: &Outcome| classify(&Exchange::Off, "b", Duration::from_secs(3), outcome).expect_err("cut");
    let banner = "Loading IANA PEN Registry...\n";
    let error = short(&cut(banner));
    assert_eq!((error.class, error.not_sent), (FaultClass::Unreachable, true));
    let error = short(&cut(&in_session("")));
    assert_eq!((error.class, error.not_sent), (FaultClass::Timeout, false));
    // In this much time ipmitool would have found a dead address out.
    assert_eq!(fails(&Exchange::Off, &cut(banner)).class, FaultClass::Timeout);
    // It takes longer with what is sent only once.
    let class =
        |exchange| classify(&exchange, "b", Duration::from_secs(8), &cut(banner)).expect_err("cut").class;
    assert_eq!(
        (class(Exchange::Off), class(Exchange::Reset)),
        (FaultClass::Timeout, FaultClass::Unreachable)
    );
}

#[test]
fn a_tool_that_is_killed_is_our_own_trouble() {
    let killed = Outcome { status: None, ..out(1, "", "") };
    assert_eq!(fails(&Exchange::Power, &killed).class, FaultClass::Local);
}

#[test]
fn identity_is_labels_and_values() {
    let text = "Device ID                 : 32\nFirmware Revision         : 1.02\nManufacturer Name         : Unknown (0x1291)\n\
                Additional Device Support :\n    Sensor Device\n    SEL Device\nEvil                      : a\u{1b}[31mb\nEmpty : \n";
    let Ok(Reply::Info(info)) = read(&Exchange::Info, &out(0, text, "")) else {
        panic!("no identity");
    };
    let pairs: Vec<(&str, &str)> =
        info.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("Device ID", "32"),
            ("Firmware Revision", "1.02"),
            ("Additional Device Support", "Sensor Device, SEL Device"),
            ("Evil", "a[31mb"),
        ]
    );
    assert_eq!(
        fails(&Exchange::Info, &out(1, "", &in_session("Get Device ID command failed"))).class,
        FaultClass::Timeout
    );
}

#[test]
fn raw_answers_are_bytes() {
    let raw = Exchange::Raw(vec![6, 1]);
    assert_eq!(
        read(&raw, &out(0, " 20 81 0f\n 01 ff\n", "")),
        Ok(Reply::Raw(vec![0x20, 0x81, 0x0f, 1, 0xff]))
    );
    assert_eq!(read(&raw, &out(0, "\n", "")), Ok(Reply::Raw(Vec::new())));
    for text in ["20 8", "20 0x81", "zz"] {
        assert_eq!(fails(&raw, &out(0, text, "")).class, FaultClass::Protocol, "{text}");
    }
}

#[test]
fn the_bytes_of_a_raw_request_are_never_quoted() {
    // As ipmitool -v prints Set User Password, cut off before the answer.
    let said = in_session(
        "RAW REQ (channel=0x0 netfn=0x6 lun=0x0 cmd=0x47 data_len=18)\nRAW REQUEST (18 bytes)\n \
         02 02 68 75 6e 74 65 72 32 00 00 00 00 00 00 00\n 00 00",
    );
    let raw = Exchange::Raw([&[6, 0x47, 2, 2][..], b"hunter2"].concat());
    let error = fails(&raw, &out(1, "", &said));
    assert!(!error.reason.contains("68 75") && !error.reason.contains("00 00"), "{error}");
}

#[test]
fn unknown_words_are_quoted_short_and_without_control_characters() {
    let text = in_session(&format!("\u{1b}]0;x\u{7}{}", "y".repeat(500)));
    let error = fails(&Exchange::Power, &out(1, "", &text));
    assert_eq!(error.class, FaultClass::Protocol);
    assert!(error.reason.len() < 220 && !error.reason.contains('\u{1b}'), "{error}");
}
