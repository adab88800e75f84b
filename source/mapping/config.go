package mapping

import "time"

// Config says how a sender's body is read. A value is a path, such as data.employeeId or data."detections.user_name"; or,
// starting with =, a CEL expression. A path starts at the item (the whole body without each); $body starts at the
// body, $header.NAME gives a kept header.
type Config struct {
	Body   string   `yaml:"body" jsonschema:"enum=json,enum=form,enum=form_json,enum=cloudevents" doc:"What the body is: json (default); form: name=value pairs, data[employeeId]=7 being data.employeeId; form_json: a form whose field payload is JSON; cloudevents: structured, binary or batch."`
	Field  string   `yaml:"field" doc:"form_json: the form's field; payload by default."`
	Unwrap []Unwrap `yaml:"unwrap" doc:"Texts inside the body that are JSON themselves, outermost first."`
	Each   string   `yaml:"each" doc:"The list in the body that holds one item for each event; without it the body is the only item."`

	Type       string            `yaml:"type" doc:"The sender's word for what happened."`
	Kind       string            `yaml:"kind" doc:"What it means, for every type that kinds does not name: alert, termination, withdrawal, account_disabled, session_revoked, credential_compromise, credential_change or risk; or a CEL expression that gives one of these. Without it, a type that kinds does not name is ignored."`
	Kinds      map[string]string `yaml:"kinds" doc:"What each type means; ignore for types that mean nothing."`
	Severity   string            `yaml:"severity" doc:"How bad it is."`
	Severities map[string]string `yaml:"severities" doc:"The sender's words for critical, high, medium, low and info. Words that are these already need no entry."`
	Time       string            `yaml:"time" doc:"When it happened: RFC 3339 or seconds or milliseconds since 1970. Without a zone it is in effective.zone."`
	ID         string            `yaml:"id" doc:"The sender's id of the event: the same when it is sent again. Default: the delivery's id, see verify.id; else what the body says, see repeat."`
	Person     Person            `yaml:"person" doc:"Whom it is about. Never guessed: without a value there is no revocation but a dead letter."`
	Effective  *Effective        `yaml:"effective" doc:"When a termination takes effect."`
	Ignore     []Ignore          `yaml:"ignore" doc:"What looks like an alert and is none. The first that matches decides."`
	Headers    []string          `yaml:"headers" doc:"Headers that are kept with a delivery, for $header."`
	Repeat     time.Duration     `yaml:"repeat" jsonschema:"default=10m" doc:"For senders without ids: the same body again within this time is the same event; later it is a new one."`
}

// Unwrap reads a text inside the body as JSON.
type Unwrap struct {
	At string `yaml:"at" jsonschema:"required" doc:"Where the text is, such as Message. What it says takes its place."`
	As string `yaml:"as" jsonschema:"default=json,enum=json,enum=base64" doc:"json, or base64 of JSON."`
}

// Person says whom an event is about.
type Person struct {
	Kind      string            `yaml:"kind" jsonschema:"enum=okta_id,enum=login,enum=email,enum=attribute" doc:"What the value is in Okta: okta_id, login (also an e-mail address that one person has), email, or attribute."`
	Attribute string            `yaml:"attribute" doc:"kind attribute: the attribute of the Okta profile, such as employeeNumber."`
	Value     string            `yaml:"value" doc:"Where the value is. A list gives one person for each entry."`
	Extract   string            `yaml:"extract" doc:"A regular expression that must match the whole value; its one group is the value, such as ^[^:]+:(.+)$."`
	Domains   map[string]string `yaml:"domains" doc:"What takes the place of a Windows domain: with CORP: corp.example.com, CORP\\sam is sam@corp.example.com. A domain that is not here names nobody."`
}

// Effective says when a termination takes effect.
type Effective struct {
	At          string `yaml:"at" doc:"Where the date or time is."`
	Zone        string `yaml:"zone" jsonschema:"default=UTC" doc:"The zone of dates and of times without one, such as America/New_York."`
	TimeOfDay   string `yaml:"time_of_day" jsonschema:"default=24:00" doc:"When a date takes effect, in that zone: 24:00 is the end of the day, 17:30 in the afternoon."`
	Immediately bool   `yaml:"immediately" jsonschema:"default=false" doc:"Do not wait for the date."`
}

// Ignore is a condition under which an event is no alert.
type Ignore struct {
	When   string `yaml:"when" jsonschema:"required" doc:"A CEL expression over item, body, header and type. What it asks for and is not there makes it false."`
	Reason string `yaml:"reason" jsonschema:"required,enum=resolved,enum=test,enum=sample,enum=simulation,enum=cancelled,enum=rule_error,enum=lifecycle,enum=not_yet,enum=other" doc:"Why, as counted in the metrics."`
}
