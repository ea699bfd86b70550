//! Makes the seeds of every target from recorded traffic: `record` runs it. Reads lines "CONVERSATION > HEX" (to
//! the BMC) and "CONVERSATION < HEX", logs on to what was recorded with the password that was used, and writes
//! what is inside. That all of it opens is itself a check: other people wrote both ends.

use lightsout_fuzz::ipmi::crypto::Exchanged;
use lightsout_fuzz::ipmi::message::{Request, Response};
use lightsout_fuzz::ipmi::packet::{self, Packet, PayloadType};
use lightsout_fuzz::ipmi::rakp::{OpenSessionResponse, Rakp1, Rakp2};
use lightsout_fuzz::ipmi::{Keys, Secret, Suite};
use lightsout_fuzz::peer::PASSWORD;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs, io};

/// Seeds of one kind: enough for every form, few enough to be read in a moment.
const MOST: usize = 40;
/// Steps of a script end up here.
const LONGEST: usize = 3000;

#[derive(Default)]
struct Conversation {
    algorithms: Option<[u8; 3]>,
    ids: (u32, u32),
    first: Option<Rakp1>,
    keys: Option<Keys>,
    /// Steps for the targets `client`, `bmc` and `sol`.
    client: Vec<u8>,
    bmc: Vec<u8>,
    sol: Vec<u8>,
}

#[derive(Default)]
struct Seeds(BTreeMap<&'static str, BTreeSet<Vec<u8>>>);

impl Seeds {
    fn add(&mut self, target: &'static str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.entry(target).or_default().insert(bytes.to_vec());
        }
    }

    fn write(&self, to: PathBuf) -> io::Result<()> {
        for (target, all) in &self.0 {
            let directory = to.join(target);
            fs::create_dir_all(&directory)?;
            // A few of each length: what differs in length mostly differs in kind.
            let mut lengths: BTreeMap<usize, Vec<&Vec<u8>>> = BTreeMap::new();
            all.iter().for_each(|bytes| lengths.entry(bytes.len()).or_default().push(bytes));
            let rounds = (0..2).flat_map(|round| lengths.values().filter_map(move |same| same.get(round)));
            for (number, bytes) in rounds.take(MOST).enumerate() {
                fs::write(directory.join(format!("seed{number:02}")), bytes)?;
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = PathBuf::from(env::args().nth(1).ok_or("where to?")?);
    let (mut seeds, mut conversations) = (Seeds::default(), BTreeMap::<String, Conversation>::new());
    let mut opened = 0;
    for line in io::stdin().lines() {
        let line = line?;
        let [name, arrow, hex] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err("a line has three words".into());
        };
        let bytes = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16))
            .collect::<Result<Vec<_>, _>>()?;
        seeds.add("packet", &bytes);
        let here = conversations.entry(name.to_owned()).or_default();
        let outward = arrow == ">";
        match packet::parse(&bytes)? {
            Packet::Plain { message } => {
                seeds.add("message", message);
                if outward {
                    push(&mut here.bmc, 0, &bytes);
                }
            }
            Packet::Login { kind, payload } => {
                seeds.add("rakp", payload);
                if outward {
                    push(&mut here.bmc, 0, &bytes);
                }
                login(here, kind, payload).ok_or("a login that cannot be read")?;
            }
            Packet::Session(sealed) => {
                let keys = here.keys.as_ref().ok_or("a packet before its login")?;
                let payload = packet::open(keys, &sealed)?;
                opened += 1;
                inside(&mut seeds, here, sealed.kind, outward, &payload)?;
            }
        }
    }
    for here in conversations.values() {
        seeds.add("client", &here.client);
        seeds.add("bmc", &here.bmc);
        seeds.add("sol", &here.sol);
    }
    seeds.write(to)?;
    eprintln!("{} conversations, {opened} packets opened", conversations.len());
    Ok(())
}

/// Appends a step (see `script`); what is longer than 255 bytes is cut.
fn push(script: &mut Vec<u8>, step: u8, bytes: &[u8]) {
    if script.len() < LONGEST {
        let bytes = &bytes[..bytes.len().min(255)];
        script.push(step);
        script.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        script.extend(bytes);
    }
}

/// Follows a login, so that the session's packets can be opened.
fn login(here: &mut Conversation, kind: PayloadType, payload: &[u8]) -> Option<()> {
    match kind {
        PayloadType::OpenSessionResponse => {
            let said = OpenSessionResponse::decode(payload).ok()?;
            here.algorithms = Some(said.algorithms);
            here.ids = (said.console_id, said.bmc_id);
        }
        PayloadType::Rakp1 => here.first = Some(Rakp1::decode(payload).ok()?),
        PayloadType::Rakp2 => {
            let suite = Suite::from_algorithms(here.algorithms?)?;
            let (first, said) = (here.first.as_ref()?, Rakp2::decode(payload, suite).ok()?);
            let password = Secret::new(PASSWORD).ok()?;
            let exchanged = Exchanged {
                suite,
                console_id: here.ids.0,
                bmc_id: here.ids.1,
                console_random: first.console_random,
                bmc_random: said.bmc_random,
                guid: said.guid,
                role: first.role,
                user: first.user.clone(),
            };
            exchanged.check_rakp2(&password, &said.code).ok()?;
            here.keys = Some(exchanged.keys(&password));
        }
        _ => {}
    }
    Some(())
}

/// What a session's packet holds; the steps are those of `targets`.
fn inside(
    seeds: &mut Seeds,
    here: &mut Conversation,
    kind: PayloadType,
    outward: bool,
    payload: &[u8],
) -> Result<(), Box<dyn std::error::Error>> {
    match (kind, outward) {
        (PayloadType::Sol, true) => {
            push(&mut here.bmc, 5, payload.get(4..).unwrap_or_default());
            push(&mut here.bmc, 6, &[]);
        }
        (PayloadType::Sol, false) => {
            push(&mut here.sol, 0, payload);
            push(&mut here.sol, 5, &[]);
            push(&mut here.sol, 4, &[]);
            push(&mut here.client, 4, payload);
            push(&mut here.client, 11, b"x");
        }
        (_, true) => {
            seeds.add("message", payload);
            let asked = Request::decode(payload)?;
            let mut raw = vec![asked.netfn, asked.command];
            raw.extend(asked.data);
            seeds.add("command", &raw);
            push(&mut here.bmc, 2, &raw);
            // Our client asks in its own words; the answers below are to those.
            push(&mut here.client, if raw.starts_with(&[6, 0x48]) { 10 } else { 8 }, &[]);
        }
        (_, false) => {
            seeds.add("message", payload);
            let said = Response::decode(payload)?;
            seeds.add("command", said.data);
            let mut answer = vec![said.code];
            answer.extend(said.data);
            push(&mut here.client, 1, &answer);
        }
    }
    Ok(())
}
