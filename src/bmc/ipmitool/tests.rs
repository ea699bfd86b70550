use super::*;
use crate::config::{Credentials, Privilege, Secret};
use crate::fleet::{BmcReset, BootDevice, BootSetting};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

pub(super) fn settings() -> BmcSettings {
    BmcSettings {
        driver: "ipmitool".into(),
        address: Some("10.1.1.1".into()),
        port: 623,
        credentials: Some(Arc::new(Credentials {
            name: "default".into(),
            username: "admin".into(),
            password: Secret::new(b"hunter2".to_vec()),
        })),
        privilege: Privilege::Administrator,
        cipher_suites: vec![17, 3],
        kg: None,
        quirks: None,
        keep_login: true,
        qmp: None,
        start: None,
    }
}

fn with_password(password: &[u8]) -> BmcSettings {
    let mut settings = settings();
    settings.credentials = Some(Arc::new(Credentials {
        name: "default".into(),
        username: "admin".into(),
        password: Secret::new(password.to_vec()),
    }));
    settings
}

fn context(dir: &tempfile::TempDir) -> DriverContext {
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("ours");
    DriverContext {
        network: Arc::default(),
        // Answers `-h` and nothing else.
        ipmitool: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ipmitool").into(),
        private_dir: dir.path().to_owned(),
        limit: Duration::from_secs(20),
    }
}

fn opened(settings: &BmcSettings) -> (Box<dyn Bmc>, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let driver = open(settings, &context(&dir), Arc::default()).expect("opens");
    (driver, dir)
}

#[test]
fn describes_without_secrets() {
    let mut settings = settings();
    settings.kg = Some(Secret::new(b"topkey".to_vec()));
    let (driver, _dir) = opened(&settings);
    assert_eq!(
        driver.describe(&Exchange::Off),
        "ipmitool -I lanplus -H 10.1.1.1 -p 623 -U admin -L ADMINISTRATOR -C 17 -E -K chassis power off"
    );
    let setting = BootSetting { device: Some(BootDevice::Pxe), persistent: true, uefi: true };
    for exchange in [
        Exchange::Power,
        Exchange::BootSet(setting),
        Exchange::ResetBmc(BmcReset::Cold),
        Exchange::Raw(vec![6, 1]),
        Exchange::Resume,
    ] {
        let line = driver.describe(&exchange);
        assert!(!line.contains("hunter2") && !line.contains("topkey") && !line.contains('\n'), "{line}");
    }
    let (driver, _dir) = opened(&with_password(b""));
    assert!(driver.describe(&Exchange::Power).contains(" -f FILE "));
}

/// ipmitool has no other way for raw bytes than its command line, which everybody on the machine can read.
#[tokio::test]
async fn a_password_in_raw_bytes_is_refused_and_never_reaches_a_command_line() {
    let (mut driver, _dir) = opened(&settings());
    for bytes in [[&[6, 0x47, 2, 2][..], b"pw"].concat(), vec![6, 0x56, 1, 1, 0x41, 0x42]] {
        let raw = Exchange::Raw(bytes);
        let error = driver.exchange(&raw).await.expect_err("refused");
        assert_eq!((error.class, error.not_sent), (FaultClass::Unsupported, true));
        assert!(error.reason.contains("a password or key"), "{error}");
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("driver = \"ipmi\"")), "{error:?}");
        assert_eq!(driver.cannot(&raw), Some(error.clone()));
        let line = driver.describe(&raw);
        assert_eq!(line, format!("nothing: {}", error.reason));
    }
    assert_eq!(driver.cannot(&Exchange::Raw(vec![6, 0x47])), None, "no bytes, no password");
    assert_eq!(driver.cannot(&Exchange::Raw(vec![6, 0x46, 2])), None);
}

#[test]
fn sol_command_has_no_secret_in_its_arguments() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut settings = settings();
    settings.kg = Some(Secret::new(b"topkey".to_vec()));
    let command = sol_command(&settings, &context(&dir), 3, '\u{1f}').expect("builds");
    let line = command.args.join(" ");
    assert_eq!(
        line,
        "-I lanplus -H 10.1.1.1 -p 623 -U admin -L ADMINISTRATOR -C 3 -N 1 -R 2 -v -E -K -e \u{1f} sol activate"
    );
    let value = |name: &str| {
        let found = command.env.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| String::from_utf8_lossy(value.expose()).into_owned())
    };
    assert_eq!(value("IPMITOOL_PASSWORD").as_deref(), Some("hunter2"));
    assert_eq!(value("IPMI_KGKEY").as_deref(), Some("topkey"));
    assert_eq!(value("LC_ALL").as_deref(), Some("C"));
    assert!(command.guard.is_none());
    assert!(!format!("{command:?}").contains("hunter2"));
}

#[test]
fn empty_password_travels_in_a_private_file_that_vanishes() {
    let dir = tempfile::tempdir().expect("a directory");
    let command = sol_command(&with_password(b""), &context(&dir), 3, '~').expect("builds");
    let position = command.args.iter().position(|word| word == "-f").expect("a file");
    let file = PathBuf::from(&command.args[position + 1]);
    assert_eq!(std::fs::read(&file).expect("readable"), [0]);
    assert_eq!(file.metadata().expect("there").mode() & 0o777, 0o600);
    assert!(!command.env.iter().any(|(name, _)| name == "IPMITOOL_PASSWORD"));
    drop(command);
    assert!(!file.exists());
}

#[test]
fn secrets_that_cannot_be_handed_over_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let context = context(&dir);
    let long = sol_command(&with_password(b"123456789012345678901"), &context, 3, '~').expect_err("21 bytes");
    assert_eq!((long.class, long.not_sent), (FaultClass::Local, true));
    assert!(sol_command(&with_password(b"12345678901234567890"), &context, 3, '~').is_ok());
    assert!(sol_command(&with_password(b"a\0b"), &context, 3, '~').is_err());
    let mut binary = settings();
    binary.kg = Some(Secret::new(vec![1, 2, 3]));
    let binary = sol_command(&binary, &context, 3, '~').expect_err("unprintable");
    assert!(binary.reason.contains("BMC key"), "{binary}");
}

#[test]
fn a_private_directory_that_others_can_enter_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let context = context(&dir);
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o750)).expect("ours");
    let error = open(&settings(), &context, Arc::default()).err().expect("refused");
    assert_eq!(error.class, FaultClass::Local);
    assert!(error.reason.contains("0700"), "{error}");
}

#[test]
fn a_missing_ipmitool_is_told_when_the_driver_is_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["ipmitool-that-is-not-there", "/nonexistent/ipmitool"] {
        let mut context = context(&dir);
        context.ipmitool = name.into();
        let error = open(&settings(), &context, Arc::default()).err().expect("refused");
        assert_eq!(error.class, FaultClass::Local);
        assert_eq!(error.reason, format!("cannot run {name}: not found"));
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("apt install ipmitool")));
    }
}
