//! Cipher suites, the RAKP codes and a session's keys (sections 13.28 to 13.33, tables 22-17 to 22-20).

use super::DecodeError;
use aes::Aes128;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Length of an AES block and of an initialisation vector, in bytes.
pub const BLOCK: usize = 16;
/// Keys are this long; shorter passwords are padded with zeros (section 13.31).
const KEY: usize = 20;

/// A cipher suite (table 22-20): which algorithms a session uses. Suites 0 to 2, which lack
/// authentication, integrity or encryption, do not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128.
    Three,
    /// RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128.
    Seventeen,
}

impl Suite {
    /// The suite of that id.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Suite> {
        match id {
            3 => Some(Suite::Three),
            17 => Some(Suite::Seventeen),
            _ => None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> u8 {
        match self {
            Suite::Three => 3,
            Suite::Seventeen => 17,
        }
    }

    /// Numbers of its authentication, integrity and confidentiality algorithm (tables 13-17 to 13-19).
    #[must_use]
    pub fn algorithms(self) -> [u8; 3] {
        match self {
            Suite::Three => [0x01, 0x01, 0x01],
            Suite::Seventeen => [0x03, 0x04, 0x01],
        }
    }

    /// The suite of these algorithms.
    #[must_use]
    pub fn from_algorithms(algorithms: [u8; 3]) -> Option<Suite> {
        [Suite::Three, Suite::Seventeen].into_iter().find(|suite| suite.algorithms() == algorithms)
    }

    /// Length of the authentication code of RAKP messages 2 and 3, in bytes.
    #[must_use]
    pub fn rakp_length(self) -> usize {
        match self {
            Suite::Three => 20,
            Suite::Seventeen => 32,
        }
    }

    /// Length of the integrity check value of RAKP message 4 and of packets, in bytes.
    #[must_use]
    pub fn integrity_length(self) -> usize {
        match self {
            Suite::Three => 12,
            Suite::Seventeen => 16,
        }
    }
}

/// A password or BMC key: at most 20 bytes, wiped when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; KEY]>);

impl Secret {
    /// Pads to 20 bytes with zeros.
    ///
    /// # Errors
    /// It is longer.
    pub fn new(bytes: &[u8]) -> Result<Secret, DecodeError> {
        let mut padded = Zeroizing::new([0; KEY]);
        padded
            .get_mut(..bytes.len())
            .ok_or(DecodeError::Invalid("a secret longer than 20 bytes"))?
            .copy_from_slice(bytes);
        Ok(Secret(padded))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A keyed hash.
#[derive(Clone)]
enum Hash {
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
}

impl Hash {
    fn new(suite: Suite, key: &[u8]) -> Hash {
        const ANY: &str = "HMAC takes keys of any length";
        match suite {
            Suite::Three => Hash::Sha1(Box::new(Hmac::new_from_slice(key).expect(ANY))),
            Suite::Seventeen => Hash::Sha256(Box::new(Hmac::new_from_slice(key).expect(ANY))),
        }
    }

    fn code(&self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        fn run<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
            parts.iter().for_each(|part| mac.update(part));
            Zeroizing::new(mac.finalize().into_bytes().to_vec())
        }
        match self {
            Hash::Sha1(mac) => run((**mac).clone(), parts),
            Hash::Sha256(mac) => run((**mac).clone(), parts),
        }
    }

    /// In constant time; `code` may be the left part.
    fn verify(&self, parts: &[&[u8]], code: &[u8]) -> Result<(), DecodeError> {
        fn run<M: Mac>(mut mac: M, parts: &[&[u8]], code: &[u8]) -> Result<(), DecodeError> {
            parts.iter().for_each(|part| mac.update(part));
            mac.verify_truncated_left(code).map_err(|_| DecodeError::Forged)
        }
        match self {
            Hash::Sha1(mac) => run((**mac).clone(), parts, code),
            Hash::Sha256(mac) => run((**mac).clone(), parts, code),
        }
    }
}

/// What both sides of a login know after RAKP message 2.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The suite agreed on.
    pub suite: Suite,
    /// The remote console's session id, chosen by it.
    pub console_id: u32,
    /// The BMC's session id, chosen by it.
    pub bmc_id: u32,
    /// The remote console's random number.
    pub console_random: [u8; 16],
    /// The BMC's random number.
    pub bmc_random: [u8; 16],
    /// The BMC's globally unique id.
    pub guid: [u8; 16],
    /// Byte 25 of RAKP message 1: the privilege asked for, and bit 4 for "look up the name only".
    pub role: u8,
    /// User name, at most 16 bytes.
    pub user: Vec<u8>,
}

impl std::fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchanged").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Exchanged {
    fn user_length(&self) -> [u8; 1] {
        [u8::try_from(self.user.len()).unwrap_or(u8::MAX)]
    }

    fn rakp2<T>(&self, password: &Secret, run: impl FnOnce(&Hash, &[&[u8]]) -> T) -> T {
        run(
            &Hash::new(self.suite, &*password.0),
            &[
                &self.console_id.to_le_bytes(),
                &self.bmc_id.to_le_bytes(),
                &self.console_random,
                &self.bmc_random,
                &self.guid,
                &[self.role],
                &self.user_length(),
                &self.user,
            ],
        )
    }

    /// The code in RAKP message 2, by which the BMC proves that it knows the password (section 13.31).
    #[must_use]
    pub fn rakp2_code(&self, password: &Secret) -> Vec<u8> {
        self.rakp2(password, |hash, parts| hash.code(parts).to_vec())
    }

    /// Checks the code in RAKP message 2.
    ///
    /// # Errors
    /// It is wrong: another password, or another BMC.
    pub fn check_rakp2(&self, password: &Secret, code: &[u8]) -> Result<(), DecodeError> {
        if code.len() != self.suite.rakp_length() {
            return Err(DecodeError::Forged);
        }
        self.rakp2(password, |hash, parts| hash.verify(parts, code))
    }

    fn rakp3<T>(&self, password: &Secret, run: impl FnOnce(&Hash, &[&[u8]]) -> T) -> T {
        let length = self.user_length();
        run(
            &Hash::new(self.suite, &*password.0),
            &[&self.bmc_random, &self.console_id.to_le_bytes(), &[self.role], &length, &self.user],
        )
    }

    /// The code in RAKP message 3, by which the remote console proves the same.
    #[must_use]
    pub fn rakp3_code(&self, password: &Secret) -> Vec<u8> {
        self.rakp3(password, |hash, parts| hash.code(parts).to_vec())
    }

    /// Checks the code in RAKP message 3.
    ///
    /// # Errors
    /// It is wrong.
    pub fn check_rakp3(&self, password: &Secret, code: &[u8]) -> Result<(), DecodeError> {
        if code.len() != self.suite.rakp_length() {
            return Err(DecodeError::Forged);
        }
        self.rakp3(password, |hash, parts| hash.verify(parts, code))
    }

    /// The session integrity key (section 13.31), of the BMC key, or of the password where there is none.
    fn session_key(&self, kg: &Secret) -> Zeroizing<Vec<u8>> {
        let parts: [&[u8]; 5] =
            [&self.console_random, &self.bmc_random, &[self.role], &self.user_length(), &self.user];
        Hash::new(self.suite, &*kg.0).code(&parts)
    }

    fn rakp4<T>(&self, kg: &Secret, run: impl FnOnce(&Hash, &[&[u8]]) -> T) -> T {
        let key = self.session_key(kg);
        let parts: [&[u8]; 3] = [&self.console_random, &self.bmc_id.to_le_bytes(), &self.guid];
        run(&Hash::new(self.suite, &key), &parts)
    }

    /// The integrity check value in RAKP message 4.
    #[must_use]
    pub fn rakp4_code(&self, kg: &Secret) -> Vec<u8> {
        self.rakp4(kg, |hash, parts| hash.code(parts)[..self.suite.integrity_length()].to_vec())
    }

    /// Checks the integrity check value in RAKP message 4.
    ///
    /// # Errors
    /// It is wrong: the BMC has another BMC key.
    pub fn check_rakp4(&self, kg: &Secret, code: &[u8]) -> Result<(), DecodeError> {
        if code.len() != self.suite.integrity_length() {
            return Err(DecodeError::Forged);
        }
        self.rakp4(kg, |hash, parts| hash.verify(parts, code))
    }

    /// The keys of the session (section 13.32).
    #[must_use]
    pub fn keys(&self, kg: &Secret) -> Keys {
        let session = Hash::new(self.suite, &self.session_key(kg));
        let (first, second) = (session.code(&[&[1; KEY]]), session.code(&[&[2; KEY]]));
        Keys {
            suite: self.suite,
            integrity: Hash::new(self.suite, &first),
            cipher: Aes128::new_from_slice(&second[..BLOCK]).expect("the key has 16 bytes"),
        }
    }
}

/// A session's keys: what its packets are signed and encrypted with. Wiped when dropped.
#[derive(Clone)]
pub struct Keys {
    suite: Suite,
    integrity: Hash,
    cipher: Aes128,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Keys {
    /// The suite they belong to.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Appends the authentication code of `signed` to it. `from` is where the signed part begins.
    pub(super) fn sign(&self, packet: &mut Vec<u8>, from: usize) {
        let code = self.integrity.code(&[&packet[from..]]);
        packet.extend(&code[..self.suite.integrity_length()]);
    }

    pub(super) fn check(&self, signed: &[u8], code: &[u8]) -> Result<(), DecodeError> {
        self.integrity.verify(&[signed], code)
    }

    /// Appends `payload` encrypted (section 13.29): the vector, then the blocks.
    pub(super) fn encrypt(&self, payload: &[u8], vector: [u8; BLOCK], packet: &mut Vec<u8>) {
        packet.extend(vector);
        let from = packet.len();
        packet.extend(payload);
        let pad = BLOCK - 1 - payload.len() % BLOCK;
        packet.extend((1..=pad).map(|byte| u8::try_from(byte).unwrap_or(0)));
        packet.push(u8::try_from(pad).unwrap_or(0));
        let length = packet.len() - from;
        cbc::Encryptor::inner_iv_init(self.cipher.clone(), &vector.into())
            .encrypt_padded::<NoPadding>(&mut packet[from..], length)
            .expect("it is a number of whole blocks");
    }

    /// Decrypts what [`Keys::encrypt`] made. The content of the padding is not looked at: some BMCs get
    /// it wrong, and the authentication code has been checked.
    pub(super) fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, DecodeError> {
        const WHAT: DecodeError = DecodeError::Invalid("an encrypted payload");
        let (vector, blocks) = data.split_first_chunk::<BLOCK>().ok_or(WHAT)?;
        let mut plain = blocks.to_vec();
        cbc::Decryptor::inner_iv_init(self.cipher.clone(), vector.into())
            .decrypt_padded::<NoPadding>(&mut plain)
            .map_err(|_| WHAT)?;
        let pad = usize::from(plain.pop().ok_or(WHAT)?);
        let length = plain.len().checked_sub(pad).ok_or(WHAT)?;
        plain.truncate(length);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&Exchanged, &Secret, &[u8]) -> Result<(), DecodeError>;

    fn exchanged(suite: Suite) -> Exchanged {
        Exchanged {
            suite,
            console_id: 0x0102_0304,
            bmc_id: 0x0506_0708,
            console_random: [1; 16],
            bmc_random: [2; 16],
            guid: [3; 16],
            role: 0x14,
            user: b"admin".to_vec(),
        }
    }

    #[test]
    fn codes_hold_for_their_secret_and_message_only() {
        for suite in [Suite::Three, Suite::Seventeen] {
            let (right, wrong) = (Secret::new(b"secret").expect("short"), Secret::new(b"").expect("short"));
            let sent = exchanged(suite);
            let codes = [sent.rakp2_code(&right), sent.rakp3_code(&right), sent.rakp4_code(&right)];
            let check: [Check; 3] = [Exchanged::check_rakp2, Exchanged::check_rakp3, Exchanged::check_rakp4];
            for (code, check) in codes.iter().zip(check) {
                assert_eq!(check(&sent, &right, code), Ok(()));
                assert_eq!(check(&sent, &wrong, code), Err(DecodeError::Forged));
                // A shortened code is easier to guess.
                assert_eq!(check(&sent, &right, &code[..4]), Err(DecodeError::Forged));
                let other = Exchanged { bmc_random: [9; 16], console_random: [9; 16], ..sent.clone() };
                assert_eq!(check(&other, &right, code), Err(DecodeError::Forged));
            }
        }
    }

    #[test]
    fn secrets_have_twenty_bytes_and_are_never_printed() {
        assert!(Secret::new(&[b'x'; 20]).is_ok());
        assert!(Secret::new(&[b'x'; 21]).is_err());
        let printed = format!("{:?}", Secret::new(b"hunter2").expect("short"));
        assert!(!printed.contains("hunter2") && !printed.contains("104"), "{printed}");
    }
}
