// Package ssf speaks Shared Signals: it decodes Security Event Tokens (SETs, RFC 8417) of
// CAEP and RISC transmitters into signals, answers their verification events, fetches
// events (RFC 8936) and manages the stream at the transmitter.
//
// A SET's signature and claims are checked by a source.Verifier before anything here reads
// it. Nobody is guessed: a subject that is not an e-mail address or an Okta user id of the
// org itself names nobody.
//
// Facts and names follow OpenID Shared Signals Framework 1.0, CAEP 1.0 and RISC 1.0 at
// https://openid.net/specs/, and what Okta sends:
// https://developer.okta.com/docs/reference/ssf-transmitter-sets.
package ssf
