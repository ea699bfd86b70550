//! What it reads, refuses and leaves out.

use super::super::Remark;
use super::super::output::Imported;
use super::import;
use proptest::prelude::*;

fn read(text: &str) -> Result<Imported, Vec<Remark>> {
    import(text, &|name| match name {
        "more.cf" => Ok("console inner { type uds; uds /run/inner; }\n".to_owned()),
        "loop.cf" => Ok("#include loop.cf\n".to_owned()),
        "bad.cf" => Ok("\nconsole {\n".to_owned()),
        other => Err(format!("cannot read {other}")),
    })
}

const FILE: &str = r#"
default full { rw *; }
default * { logfile /var/log/&.log; timestamp 1hab; include full; master localhost; }
default xyplex { type host; portbase 2000; portinc 100; }
default ts1 { include xyplex; host ts1.example; initcmd /usr/bin/login-ts; }
console web1 { include ts1; port 2; aliases www; }
console raw1 { type host; host ts2; port 7001; protocol raw; logfile ""; }
console "ser1" { type device; device /dev/ttyC.; devicesubst .=P02d; portbase -1; port 3; host none;
    baud 9600; parity none; options crtscts, !hupcl; }
console ser2 { type device; device /dev/ttyS1; parity mark; options !ixon,!ixoff,cstopb; }
console uds1 { type uds; uds /run/%.sock; udssubst %=cs; master other.example; }
console sh { type exec; exec ""; logfile /dev/null; }
console ssh { type exec; exec ssh -l root &; execsubst &=cs; }
console pipe { type exec; exec "echo a | cat"; execrunas nobody; }
console secret { type exec; exec ipmitool -P hunter2 -H x sol activate; }
console bmc1 { type ipmi; host bmc1; username admin; password "hunter2"; ipmikg hunter3;
    ipmiciphersuite 3; ipmiprivlevel operator; ipmiworkaround privilege,!default,checksum; }
console gone { type noop; }
access * { trusted 127.0.0.1; }
config * { }
group ops { users a, b; }
#include more.cf
default * { type host; }
console fresh { host h; port 23; }
"#;

#[test]
fn every_type_has_its_transport() {
    let imported = read(FILE).unwrap_or_else(|errors| panic!("{errors:?}"));
    let text = imported.render("conserver.cf");
    for line in [
        "name = \"web1\"\nconsole = { transport = \"telnet\", host = \"ts1.example\", port = 2200 }\n",
        "name = \"raw1\"\nconsole = { transport = \"tcp\", host = \"ts2\", port = 7001, log = false }\n",
        "name = \"ser1\"\nconsole = { transport = \"serial\", device = \"/dev/ttyC02\", baud = 9600, \
         parity = \"none\", flow = \"hardware\" }\n",
        "{ transport = \"serial\", device = \"/dev/ttyS1\", stop_bits = 2, flow = \"none\" }\n",
        "{ transport = \"unix\", path = \"/run/uds1.sock\" }\n",
        "{ transport = \"command\", argv = [\"/bin/sh\", \"-i\"], log = false }\n",
        "argv = [\"ssh\", \"-l\", \"root\", \"ssh\"] }\n",
        "argv = [\"/bin/sh\", \"-ce\", \"echo a | cat\"] }\n",
        "bmc = { address = \"bmc1\", credentials = \"conserver\", privilege = \"OPERATOR\", cipher_suites = [3], \
         quirks = [\"open-highest\"], kg_file = \"conserver.kg\" }\nconsole = { transport = \"sol\" }\n",
        "[[node]] # more.cf line 1\nname = \"inner\"\nconsole = { transport = \"unix\", path = \"/run/inner\" }\n",
        "name = \"fresh\"\nconsole = { transport = \"telnet\", host = \"h\", port = 23, log = false }\n",
        "# left out: line 2: rw: whoever",
        "# left out: line 5: initcmd: no program",
        "# left out: line 6: aliases: a node has one name\n",
        "# left out: line 10: parity mark: ours are none, even and odd\n",
        "# left out: line 11: master other.example: its uds consoles are on that machine\n",
        "# left out: line 15: console \"secret\": its command holds a password",
        "# left out: line 17: ipmiworkaround checksum: quirks",
        "# left out: line 18: console \"gone\": type noop has no console\n",
        "# left out: line 19: access *: who may come from where",
        "# to create: conserver.pw, mode 600: the password, from line 16\n",
    ] {
        assert!(text.contains(line), "no\n{line}\nin\n{text}");
    }
    assert_eq!(text.matches("rw: ").count(), 1, "once, where it is written:\n{text}");
    assert!(!text.contains("hunter"), "a password is shown:\n{text}");
}

#[test]
fn quotes_and_blanks_are_those_of_the_parser() {
    let text = "default my\\ defs { type host ; ho\"st\" \"a.b\" ; }\n\
        con\\sole x{include my defs;port 1;motd \"a;}#{\\\"\";}# end\n";
    let imported = read(text).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert!(imported.render("x").contains("host = \"a.b\", port = 1"), "{}", imported.render("x"));
}

#[test]
fn every_error_is_told_with_its_place() {
    let told = |text: &str| -> Vec<String> {
        let errors = read(text).err().expect("a bad file");
        errors.iter().map(|(spot, text)| format!("{}{}: {text}", spot.file, spot.line)).collect()
    };
    assert_eq!(
        told(
            "cosnole a { }\nconsole b { tpye host; }\nconsole c { include no; type host; host h; }\n\
             console d { type hots; }\nconsole e { }\nconsole e { type exec; }\n\
             console f { type device; device /dev/x; baud fast; options ixof; }\n"
        ),
        [
            "1: there is no block \"cosnole\"",
            "2: there is no keyword \"tpye\"",
            "2: console \"b\": it has no type",
            "3: there is no default \"no\" above",
            "3: console \"c\": type host needs port",
            "4: console \"d\": there is no type \"hots\"",
            "5: console \"e\": it has no type",
            "6: there is a console \"e\" already",
            "7: there is no option \"ixof\"",
            "7: console \"f\": baud is a number such as 9600",
        ]
    );
    assert_eq!(
        told("console a { type exec }\n"),
        ["1: a value has no \";\" before \"}\"", "1: console \"a\": it has no type"]
    );
    assert_eq!(told("console a { type exec;\n"), ["1: console a has no \"}\""]);
    assert_eq!(told("console a\n"), ["1: block \"console\" has no \"{\""]);
    assert_eq!(told("\n;\n"), ["2: \";\" is out of place"]);
    assert_eq!(told("#include gone.cf\n"), ["1: #include gone.cf: cannot read gone.cf"]);
    assert!(told("console a { motd \"open; }\n")[0].contains("a \" is not closed"));
    assert!(told("#include loop.cf\n")[0].contains("more than 10 deep"));
    assert_eq!(told("#include bad.cf\n")[0], "bad.cf2: block \"console\" has no name");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn any_text_is_read_or_refused(
        text in "(?s)(console |default |include|type (host|exec|ipmi|uds|device);|host h;|port 1;|devicesubst .=Pd;\
            |\n#include (loop|more|bad).cf\n|[{};\"\\\\#\n ]|\\PC|.){0,40}",
    ) {
        match read(&text) {
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
