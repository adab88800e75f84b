package verify

import (
	"time"

	"sever/internal/secret"
)

// Config says how a source's deliveries are authenticated. Which settings count depends on Type.
type Config struct {
	Type string `yaml:"type" jsonschema:"default=header,enum=header,enum=hmac,enum=hash,enum=ed25519,enum=ecdsa,enum=rsa,enum=http_signature,enum=basic,enum=bearer,enum=api_key,enum=jwt,enum=set,enum=sns,enum=mtls,enum=ip,enum=none" doc:"How the sender proves who it is. docs/sources.md tells which settings each type takes."`

	// Fixed secrets.
	Header                 string          `yaml:"header" doc:"The header that holds the secret, the signature or the token. header: Authorization by default."`
	Secrets                []secret.Secret `yaml:"secrets" doc:"Accepted secrets, at least one; for basic the passwords. To rotate, list old and new until the sender has changed over."`
	ChallengeWithoutSecret bool            `yaml:"challenge_without_secret" jsonschema:"default=false" doc:"Answer Okta's one-time verification GET even without the secret. Okta does not say whether it sends the secret there."`
	User                   string          `yaml:"user" doc:"basic: the user name."`
	Query                  string          `yaml:"query" doc:"api_key: the query parameter that holds the secret. Give one of header, query, path, field. bearer: a query parameter that is taken in place of the header, such as access_token."`
	Path                   bool            `yaml:"path" jsonschema:"default=false" doc:"api_key: the secret is the last part of the URL: /v1/hooks/NAME/SECRET."`
	Field                  string          `yaml:"field" doc:"api_key: the place in the body that holds the secret, such as secureKey or value[*].clientState. It is taken out before the body is stored."`

	// Signatures.
	Hash           string          `yaml:"hash" jsonschema:"enum=sha256,enum=sha384,enum=sha512,enum=sha1,enum=md5" doc:"hmac, hash, rsa: the hash function, sha256 by default. sha1 and md5 need weak: true."`
	Weak           bool            `yaml:"weak" jsonschema:"default=false" doc:"Accept sha1, md5, or a plain hash in place of an HMAC. Only where the sender can do no better."`
	Padding        string          `yaml:"padding" jsonschema:"enum=pkcs1,enum=pss" doc:"rsa: pkcs1 (default) or pss."`
	Encoding       string          `yaml:"encoding" jsonschema:"enum=hex,enum=base64,enum=base64url" doc:"How the signature is written: hex in either case (default), base64 or base64url, padded or not."`
	Prefix         string          `yaml:"prefix" doc:"Text before the signature in the header, such as sha256= or v0=."`
	List           *List           `yaml:"list" doc:"The header holds a list of pairs, such as t=1,v1=abc,v1=def. Every pair of the field is tried, up to 16."`
	Signed         string          `yaml:"signed" doc:"What is signed: text with {body} {timestamp} {id} {url} {method} {query} {sorted_query} {path} {header:NAME} {body_sha256} (hex) {body_sha256_raw} {form} (sorted names and values); backslash n is a line end, a doubled backslash one. Default {body}."`
	Timestamp      *Timestamp      `yaml:"timestamp" doc:"When it was signed. Older or newer than tolerance is put aside as a dead letter."`
	ID             *Place          `yaml:"id" doc:"The sender's id of a delivery: the same when it is sent again."`
	SecretEncoding string          `yaml:"secret_encoding" jsonschema:"enum=utf8,enum=base64,enum=hex" doc:"How the secret's bytes are written: utf8 (default), base64 or hex."`
	SecretPrefixes []string        `yaml:"secret_prefixes" doc:"Prefixes that are no part of a secret, such as whsec_."`
	Labels         *Labels         `yaml:"labels" doc:"A header says which secret signed."`
	PublicKeys     []secret.Secret `yaml:"public_keys" doc:"ed25519, ecdsa, rsa, http_signature, jwt, set: the sender's public keys, as PEM, or raw or DER in secret_encoding."`
	URL            string          `yaml:"url" doc:"The URL as the sender knows it, where {url} is signed or an audience is the URL: proxies in between change it."`
	Covers         []string        `yaml:"covers" doc:"http_signature: components that must be signed; content-digest by default, without which the body is not. Fewer needs insecure: true."`
	Label          string          `yaml:"label" doc:"http_signature: the signature's label; any by default."`

	JWT      *JWT     `yaml:"jwt" doc:"jwt, set: what a token must say, and whose keys it is signed with."`
	SNS      *SNS     `yaml:"sns" doc:"sns: whose topics are accepted."`
	MTLS     *MTLS    `yaml:"mtls" doc:"mtls: whose client certificates are accepted. Needs tls.client_ca."`
	Networks []string `yaml:"networks" doc:"ip: the addresses that may send, such as 192.0.2.0/24."`

	Insecure bool `yaml:"insecure" jsonschema:"default=false" doc:"Accept what nobody vouches for: type none, an ip list alone, a signature that does not cover the body. For tests."`
}

// List is the form of a header that holds several pairs.
type List struct {
	Item  string `yaml:"item" doc:"What separates the pairs: a comma by default."`
	Pair  string `yaml:"pair" jsonschema:"default==" doc:"What separates a name from its value."`
	Field string `yaml:"field" jsonschema:"required" doc:"The name whose values are signatures, such as v1."`
}

// Timestamp says where the time of signing is. Give one of header, field and body.
type Timestamp struct {
	Header    string        `yaml:"header" doc:"The header that holds it."`
	Field     string        `yaml:"field" doc:"The pair of list that holds it, such as t."`
	Body      string        `yaml:"body" doc:"The place in the body that holds it, such as data.sent_at. Signed with the body."`
	Unit      string        `yaml:"unit" jsonschema:"default=s,enum=s,enum=ms,enum=rfc3339,enum=layout" doc:"s or ms since 1970, rfc3339, or layout."`
	Layout    string        `yaml:"layout" doc:"unit layout: a layout of Go's package time, such as 2006-01-02T15:04:05Z."`
	Tolerance time.Duration `yaml:"tolerance" jsonschema:"default=5m" doc:"How far it may be off, both ways. 0s for no check."`
}

// Place is a header or a place in the body.
type Place struct {
	Header string `yaml:"header" doc:"The header that holds it."`
	Body   string `yaml:"body" doc:"The place in the body that holds it."`
}

// Labels tells which secret a sender used.
type Labels struct {
	Header string   `yaml:"header" jsonschema:"required" doc:"The header that names the secret, such as x-deel-hmac-label."`
	Names  []string `yaml:"names" jsonschema:"required" doc:"The names, in the order of secrets."`
}

// JWT says what a token must say.
type JWT struct {
	Header     string            `yaml:"header" jsonschema:"default=Authorization" doc:"The header that holds the token; a scheme such as Bearer before it is left out."`
	JWKS       string            `yaml:"jwks" doc:"URL of the keys, https. Fetched in the background; during an outage the last keys are used. Or give public_keys or secrets."`
	Algorithms []string          `yaml:"algorithms" doc:"Accepted algorithms, such as [RS256], the default. HS256 and its like need secrets; none is never accepted."`
	Type       string            `yaml:"type" doc:"The token's typ header, if it must have one."`
	Issuer     string            `yaml:"issuer" doc:"The iss claim."`
	Audience   []string          `yaml:"audience" doc:"The aud claim must hold one of these."`
	Claims     map[string]string `yaml:"claims" doc:"Further claims and the text that each must be, such as email: push@project.iam.gserviceaccount.com."`
	URLHash    string            `yaml:"url_hash" doc:"The claim that holds the SHA-256 of the URL, in hex."`
	BodyHash   string            `yaml:"body_hash" doc:"The claim that holds the SHA-256 of the body, in hex. It must be there exactly when there is a body."`
	MaxAge     time.Duration     `yaml:"max_age" doc:"Oldest iat that is accepted. No default."`
	Leeway     time.Duration     `yaml:"leeway" jsonschema:"default=30s" doc:"How far the sender's clock may be off."`
	Timeless   bool              `yaml:"timeless" jsonschema:"default=false" doc:"Accept tokens that never expire; they can be replayed for ever."`
}

// SNS says whose messages are accepted.
type SNS struct {
	Topics      []string      `yaml:"topics" jsonschema:"required" doc:"The ARNs of the topics."`
	Certificate secret.Secret `yaml:"certificate" doc:"The signing certificate in PEM, in place of fetching the one that the message names."`
	MaxAge      time.Duration `yaml:"max_age" jsonschema:"default=1h" doc:"Oldest message that is accepted: Amazon SNS may retry for hours. An older one is put aside as a dead letter. 0s for no check."`
}

// MTLS says whose client certificates are accepted.
type MTLS struct {
	Names        []string `yaml:"names" doc:"Subject alternative names (DNS, URI or e-mail), one of which it must have."`
	Fingerprints []string `yaml:"fingerprints" doc:"SHA-256 fingerprints in hex, one of which it must have."`
}
