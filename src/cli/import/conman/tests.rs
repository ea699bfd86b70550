//! What it reads, refuses and leaves out.

use super::import;
use proptest::prelude::*;

const FILE: &str = r#"# a machine room
SERVER keepalive=ON logdir="/var/log/conman"
server timestamp=1h
GLOBAL log="console.%N" seropts="115200,8n1"
global logopts="sanitize,timestamp"
GLOBAL ipmiopts="U:admin,P:hunter2,C:17,L:op,W:opensesspriv,W:solpayloadsize"
CONSOLE name="n1" dev="ipmi:n1-bmc" # the first
CONSOLE name='n2' dev='ipmi:10.0.0.2' ipmiopts="U:root,P:hunter3,K:0xabcd,C:8"
console name="sw1" \
        dev="ts1:2001" log=""
console name="ser1" dev="/dev/ttyS0"
console name="ser2" dev="/dev/ttyS1" seropts="9600,7e2"
console name="vm1" dev="unix:/run/%N.sock"
console name="prog" dev="/usr/lib/conman/exec/ssh.exp host-%N 22"
console name="bare" dev="ssh.exp host"
console name="secret" dev="/usr/bin/ipmitool -H x -P hunter4 sol activate"
console name="bad name" dev="ts1:2002"
"#;

#[test]
fn every_kind_of_device_has_its_transport() {
    let imported = import(FILE).expect("a good file");
    let text = imported.render("conman.conf");
    for line in [
        "[credentials.conman]\nusername = \"admin\"\npassword_file = \"conman.pw\"",
        "[credentials.conman2]\nusername = \"root\"\npassword_file = \"conman2.pw\"",
        "[[node]] # line 7\nname = \"n1\"\nbmc = { address = \"n1-bmc\", credentials = \"conman\", \
         privilege = \"OPERATOR\", cipher_suites = [17], quirks = [\"open-highest\"] }\n\
         console = { transport = \"sol\" }\n",
        "bmc = { driver = \"ipmitool\", address = \"10.0.0.2\", credentials = \"conman2\", cipher_suites = [8], \
         kg_file = \"conman.kg\" }",
        "[[node]] # line 9\nname = \"sw1\"\n\
         console = { transport = \"telnet\", host = \"ts1\", port = 2001, log = false }\n",
        "{ transport = \"serial\", device = \"/dev/ttyS0\", baud = 115200, data_bits = 8, parity = \"none\", \
         stop_bits = 1 }",
        "device = \"/dev/ttyS1\", baud = 9600, data_bits = 7, parity = \"even\", stop_bits = 2 }",
        "{ transport = \"unix\", path = \"/run/vm1.sock\" }",
        "argv = [\"/usr/lib/conman/exec/ssh.exp\", \"host-prog\", \"22\"] }",
        "# left out: line 6: workaround \"solpayloadsize\": quirks are known by manufacturer and product\n",
        "# left out: line 15: program \"ssh.exp\" is looked up in PATH, not in no execpath\n",
        "# left out: line 16: console \"secret\": its command holds a password",
        "# left out: line 17: console \"bad name\": that cannot be the name of a node\n",
        "# left out: line 4: log name \"console.%N\": ours are NODE.log in log_dir\n",
    ] {
        assert!(text.contains(line), "no\n{line}\nin\n{text}");
    }
    assert_eq!(imported.nodes.len(), 8);
    assert!(!text.contains("hunter") && !text.contains("abcd"), "a password is shown:\n{text}");
}

#[test]
fn every_error_is_told_with_its_line_and_nothing_is_imported() {
    let file = "SERVRE port=1\nSERVER prot=1\nGLOBAL seropts=\"fast\"\nCONSOLE name=\"a\"\n\
        CONSOLE name=\"b\" dev=\"x:1\nCONSOLE name=\"c\" dev\nGLOBAL ipmiopts=\"U:a,P:hunter2,X:y\"\n\
        CONSOLE name=\"d\" dev=\"x:1\" dev=\"y:1\" colour=red\nCONSOLE name=\"d\" dev=\"x:2\"\n\
        GLOBAL ipmiopts=\"hunter2,C:99\"\nCONSOLE name=a.b dev=\"x:1\"\n";
    let errors = import(file).err().expect("a bad file");
    let told: Vec<String> = errors.iter().map(|(spot, text)| format!("{}: {text}", spot.line)).collect();
    assert_eq!(
        told,
        [
            "1: there is no directive \"servre\", but SERVER, GLOBAL and CONSOLE",
            "2: SERVER has no \"prot\"",
            "3: cannot read seropts \"fast\": write \"9600,8n1\"",
            "4: CONSOLE needs name=\"..\" and dev=\"..\"",
            "5: a text has no closing quote",
            "6: \"dev\" has no value: write dev=\"..\"",
            "7: ipmiopts are U:, P:, K:, C:, L: and W:, separated by commas",
            "8: \"dev\" is given twice",
            "8: CONSOLE has no \"colour\"",
            "9: there is a console \"d\" already",
            "10: ipmiopts are U:, P:, K:, C:, L: and W:, separated by commas",
            "10: C: is a cipher suite from 0 to 17",
            "11: cannot read '.': a value with it needs quotes",
        ]
    );
    assert!(!told.concat().contains("hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn any_text_is_read_or_refused(
        text in "(?s)(CONSOLE|GLOBAL|SERVER|name|dev|ipmiopts|seropts|=|\"ipmi:|unix:|[\"'#\\\\\n ,:]|\\PC|.){0,40}",
    ) {
        match import(&text) {
            Ok(imported) => {
                let toml: Result<toml::Table, _> = imported.render("any").parse();
                prop_assert!(toml.is_ok(), "{:?}", toml);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|(_, text)| !text.chars().any(char::is_control)));
            }
        }
    }
}
