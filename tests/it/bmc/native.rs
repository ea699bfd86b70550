//! Driver `ipmi`: its logins, its datagrams, and what it says at once.
