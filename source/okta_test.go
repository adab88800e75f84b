package source_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sever/revocation"
	"sever/source"
)

const (
	ada   = "00uada00000000000001"
	grace = "00ugrace000000000001"
	admin = "00uadmin000000000001"
)

// received is when every delivery of these tests came.
func received() time.Time { return time.Date(2026, 3, 14, 9, 0, 12, 0, time.UTC) }

func decode(t *testing.T, body string) source.Decoded {
	t.Helper()
	decoded, err := source.NewOktaEventHook("acme").Decode(deliver(body))
	require.NoError(t, err)
	return decoded
}

func deliver(body string) revocation.Delivery {
	return revocation.NewDelivery("okta", "application/json", []byte(body), received())
}

// event is the JSON of a log event: an actor, the targets, and what else is given.
func event(eventType, actor string, targets []string, more ...string) string {
	fields := []string{
		`"uuid":"uuid-1"`, `"published":"2026-03-14T09:00:00.123Z"`, fmt.Sprintf(`"eventType":%q`, eventType),
	}
	if actor != "" {
		fields = append(fields, `"actor":`+actor)
	}
	if targets != nil {
		fields = append(fields, `"target":[`+strings.Join(targets, ",")+`]`)
	}
	return "{" + strings.Join(append(fields, more...), ",") + "}"
}

func hook(events ...string) string {
	return `{"eventType":"com.okta.event_hook","eventId":"delivery-1","data":{"events":[` + strings.Join(events, ",") + `]}}`
}

func user(id string) string { return entity(id, "User") }

func entity(id, kind string) string {
	return fmt.Sprintf(`{"id":%s,"type":%q,"alternateId":"someone@example.com"}`, jsonText(id), kind)
}

func jsonText(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func outcome(result string) string { return fmt.Sprintf(`"outcome":{"result":%q}`, result) }

// people are whom the signals name, in order; "" for a signal without a person.
func people(decoded source.Decoded) []string {
	var named []string
	for _, signal := range decoded.Signals {
		named = append(named, signal.Person.Value)
	}
	return named
}

// TestDecodeEveryType is the whole table: whom a type affects, which outcomes count, whose risk it tells.
func TestDecodeEveryType(t *testing.T) {
	t.Parallel()
	const (
		target, actor = "target", "actor"
		anyOutcome    = true
		personsRisk   = true
	)
	high := `"securityContext":{"risk":{"level":"HIGH"}}`
	for eventType, row := range map[string]struct {
		position   string
		anyOutcome bool
		risk       bool
	}{
		"user.lifecycle.suspend":                             {target, false, false},
		"user.lifecycle.deactivate":                          {target, false, false},
		"user.lifecycle.delete.initiated":                    {target, false, false},
		"user.lifecycle.create":                              {target, false, false},
		"user.lifecycle.activate":                            {target, false, false},
		"user.lifecycle.reactivate":                          {target, false, false},
		"user.lifecycle.unsuspend":                           {target, false, false},
		"user.account.report_suspicious_activity_by_enduser": {target, anyOutcome, false},
		"user.account.lock":                                  {actor, anyOutcome, false},
		"user.account.reset_password":                        {target, false, false},
		"user.account.update_password":                       {target, false, false},
		"user.account.privilege.grant":                       {target, false, false},
		"user.account.privilege.revoke":                      {target, false, false},
		"user.mfa.factor.activate":                           {target, false, false},
		"user.mfa.factor.update":                             {target, false, false},
		"user.mfa.factor.suspend":                            {target, false, false},
		"user.mfa.factor.deactivate":                         {target, false, false},
		"user.mfa.factor.reset_all":                          {target, false, false},
		"group.user_membership.remove":                       {target, false, false},
		"policy.auth_reevaluate.fail":                        {target, anyOutcome, false},
		"user.risk.detect":                                   {target, anyOutcome, personsRisk},
		"user.risk.change":                                   {target, anyOutcome, personsRisk},
		"user.session.context.change":                        {target, anyOutcome, personsRisk},
		"user.session.start":                                 {actor, false, personsRisk},
		"user.authentication.auth_via_mfa":                   {actor, false, personsRisk},
		"security.breached_credential.detected":              {actor, anyOutcome, false},
	} {
		t.Run(eventType, func(t *testing.T) {
			t.Parallel()
			body := hook(event(eventType, user(grace), []string{entity("0oaapp00000000000001", "AppInstance"), user(ada)}, outcome("SUCCESS"), high))
			decoded := decode(t, body)
			require.Empty(t, decoded.Skipped)
			require.Len(t, decoded.Signals, 1)
			signal := decoded.Signals[0]
			want := map[string]string{target: ada, actor: grace}[row.position]
			require.Equal(t, revocation.Person{Kind: revocation.PersonOktaID, Value: want}, signal.Person)
			require.Equal(t, row.risk, signal.Risk == "HIGH", "risk %q", signal.Risk)
			require.Equal(t, deliver(body).ID, signal.Delivery)
			require.Equal(t, []string{"okta", "acme", eventType, ""}, []string{signal.Source, signal.Org, signal.Type, signal.NoPerson})
			require.Equal(t, received(), signal.Received)
			require.Equal(t, time.Date(2026, 3, 14, 9, 0, 0, 123e6, time.UTC), signal.Occurred)

			for _, result := range []string{
				"FAILURE", "SKIPPED", "ALLOW", "DENY", "CHALLENGE", "UNKNOWN", "RATE_LIMIT", "DEFERRED", "SCHEDULED", "ABANDONED", "UNANSWERED", "", "success",
			} {
				decoded := decode(t, hook(event(eventType, user(grace), []string{user(ada)}, outcome(result))))
				if row.anyOutcome {
					require.Equal(t, []string{want}, people(decoded), result)
					continue
				}
				require.Empty(t, decoded.Signals, result)
				require.Equal(t, []source.Skipped{{Type: eventType, Reason: source.SkippedOutcome}}, decoded.Skipped)
			}

			// No falling back from one position to the other.
			other := event(eventType, user(grace), nil, outcome("SUCCESS"))
			if row.position == actor {
				other = event(eventType, "", []string{user(ada)}, outcome("SUCCESS"))
			}
			decoded = decode(t, hook(other))
			require.Equal(t, []string{""}, people(decoded))
			require.Equal(t, "no "+row.position+" of type User", decoded.Signals[0].NoPerson)
		})
	}
}

func TestDecodeSkipsEchoesAndWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for eventType, reason := range map[string]string{
		"user.session.clear":                             source.SkippedEcho,
		"user.session.end":                               source.SkippedEcho,
		"user.authentication.universal_logout":           source.SkippedEcho,
		"user.authentication.universal_logout.scheduled": source.SkippedEcho,
		"security.threat.detected":                       source.SkippedUnknownType,
		"user.lifecycle.delete.completed":                source.SkippedUnknownType,
		"USER.LIFECYCLE.SUSPEND":                         source.SkippedUnknownType,
		"user.lifecycle.suspend\t":                       source.SkippedUnknownType,
		"":                                               source.SkippedUnknownType,
	} {
		decoded := decode(t, hook(event(eventType, user(ada), []string{user(ada)}, outcome("SUCCESS"))))
		require.Empty(t, decoded.Signals, eventType)
		require.Equal(t, []source.Skipped{{Type: eventType, Reason: reason}}, decoded.Skipped)
	}
}

func TestDecodeBoundsAnUnknownType(t *testing.T) {
	t.Parallel()
	for _, eventType := range []string{strings.Repeat("x", 5000), strings.Repeat("é", 5000), "x" + strings.Repeat("鍵", 5000)} {
		decoded := decode(t, hook(event(eventType, user(ada), nil)))
		require.Len(t, decoded.Skipped, 1)
		require.LessOrEqual(t, len(decoded.Skipped[0].Type), 100)
		require.True(t, utf8.ValidString(decoded.Skipped[0].Type), "not half a rune")
	}
}

func TestDecodeFindsThePersonOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	const suspend = "user.lifecycle.suspend"
	app, group := entity("0oaapp00000000000001", "AppInstance"), entity("00ggroup000000000001", "UserGroup")
	for name, tt := range map[string]struct {
		event string
		want  []string
	}{
		"one target":                 {event(suspend, user(admin), []string{user(ada)}), []string{ada}},
		"among other targets":        {event(suspend, user(admin), []string{app, user(ada), group}), []string{ada}},
		"several users":              {event(suspend, user(admin), []string{user(ada), app, user(grace)}), []string{ada, grace}},
		"a user twice":               {event(suspend, user(admin), []string{user(ada), user(ada)}), []string{ada, ada}},
		"one good, one bad":          {event(suspend, user(admin), []string{user("bad"), user(ada)}), []string{"", ada}},
		"no target key":              {event(suspend, user(admin), nil), []string{""}},
		"target null":                {event(suspend, user(admin), nil, `"target":null`), []string{""}},
		"no targets":                 {event(suspend, user(admin), []string{}), []string{""}},
		"only other targets":         {event(suspend, user(admin), []string{app, group}), []string{""}},
		"type in other case":         {event(suspend, user(admin), []string{entity(ada, "user")}), []string{""}},
		"type with a space":          {event(suspend, user(admin), []string{entity(ada, "User ")}), []string{""}},
		"type missing":               {event(suspend, user(admin), []string{`{"id":"` + ada + `"}`}), []string{""}},
		"actor is an app":            {event(suspend, entity("0oaapp00000000000001", "PublicClientAppEntity"), []string{user(ada)}), []string{ada}},
		"no actor":                   {event(suspend, "", []string{user(ada)}), []string{ada}},
		"actor null":                 {event(suspend, "null", []string{user(ada)}), []string{ada}},
		"login, actor a user":        {event("user.session.start", user(ada), nil), []string{ada}},
		"login, actor an address":    {event("user.session.start", entity("192.0.2.1", "IP address"), []string{user(grace)}), []string{""}},
		"login, actor the system":    {event("user.session.start", entity("okta", "SystemPrincipal"), nil), []string{""}},
		"login, actor null":          {event("user.session.start", "null", []string{user(grace)}), []string{""}},
		"login, no actor":            {event("user.session.start", "", []string{user(grace)}), []string{""}},
		"login, an app with user id": {event("user.session.start", entity(ada, "AppInstance"), nil), []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := hook(strings.TrimSuffix(tt.event, "}") + "," + outcome("SUCCESS") + "}")
			decoded := decode(t, body)
			require.Equal(t, tt.want, people(decoded))
			for _, signal := range decoded.Signals {
				require.Equal(t, signal.Person.IsZero(), signal.NoPerson != "", "either a person or the reason why not")
				require.NotEmpty(t, signal.ID)
			}
		})
	}
}

// Ids that would change the path of a call to Okta, and others, name nobody.
func TestDecodeRefusesMalformedIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"", " ", "00u1?x=", "00u1/..", "../00u1", "00u1%2f", "00u1#", ada + "?x=", ada + "/..", ada + "#", ada + "%2f", ada + "/",
		" " + ada, ada + " ", ada + "\n", ada + "\x00", "\ufeff" + ada, ada[:19], ada + "1", "00U" + ada[3:], "00g" + ada[3:],
		"me", "ada@example.com", "..", ".", "//", ada[:19] + "/", ada[:18] + "%2", ada[:18] + "é", ada[:19] + "-", "𝟎𝟎u" + ada[3:],
		strings.Repeat("0", 5000), ada + strings.Repeat("x", 5000), strings.Repeat("\u202e\x1b[31m", 1000),
	} {
		for _, body := range []string{
			hook(event("user.lifecycle.suspend", user(admin), []string{user(id)}, outcome("SUCCESS"))),
			hook(event("user.session.start", user(id), nil, outcome("SUCCESS"))),
		} {
			decoded := decode(t, body)
			require.Len(t, decoded.Signals, 1, "%.40q", id)
			signal := decoded.Signals[0]
			require.True(t, signal.Person.IsZero(), "%.40q", id)
			require.NotEmpty(t, signal.NoPerson)
			require.LessOrEqual(t, len(signal.NoPerson), 400)
			for _, r := range signal.NoPerson {
				require.True(t, r < unicode.MaxASCII && unicode.IsPrint(r), "%q is printable ASCII", signal.NoPerson)
			}
		}
	}
}

func TestDecodeGivesSignalIDsByEventAndPerson(t *testing.T) {
	t.Parallel()
	ids := func(decoder *source.OktaEventHook, body string) []string {
		decoded, err := decoder.Decode(deliver(body))
		require.NoError(t, err)
		var found []string
		for _, signal := range decoded.Signals {
			found = append(found, signal.ID)
		}
		return found
	}
	acme := source.NewOktaEventHook("acme")
	suspend := func(uuid string, users ...string) string {
		var targets []string
		for _, id := range users {
			targets = append(targets, user(id))
		}
		return strings.Replace(event("user.lifecycle.suspend", user(admin), targets, outcome("SUCCESS")), `"uuid-1"`, jsonText(uuid), 1)
	}
	first := ids(acme, hook(suspend("u1", ada)))
	require.Equal(t, first, ids(acme, hook(suspend("u1", ada))), "a resend")
	require.Equal(t, first, ids(acme, strings.Replace(hook(suspend("u1", ada)), "delivery-1", "delivery-2", 1)), "another hook's delivery")
	require.Equal(t, first[0], ids(acme, hook(suspend("u0", ada), suspend("u1", ada)))[1], "batched with others")
	require.Equal(t, first[0], ids(acme, hook(suspend("u1", grace, ada)))[1], "beside others")
	twice := ids(acme, hook(suspend("u1", ada, ada)))
	require.Equal(t, []string{first[0], first[0]}, twice, "one person named twice is one signal, twice")

	seen := map[string]string{first[0]: "first"}
	for name, id := range map[string]string{
		"another event":      ids(acme, hook(suspend("u2", ada)))[0],
		"another person":     ids(acme, hook(suspend("u1", grace)))[0],
		"nobody":             ids(acme, hook(suspend("u1")))[0],
		"a malformed id":     ids(acme, hook(suspend("u1", "bad")))[0],
		"another org":        ids(source.NewOktaEventHook("globex"), hook(suspend("u1", ada)))[0],
		"no uuid":            ids(acme, hook(suspend("", ada)))[0],
		"no uuid, second":    ids(acme, hook(suspend("", ada), suspend("", ada)))[1],
		"no uuid, other":     ids(acme, hook(suspend("", grace)))[0],
		"no uuid, elsewhere": ids(acme, hook(suspend("", ada))+" ")[0],
	} {
		require.NotContains(t, seen, id, "%s and %s", name, seen[id])
		seen[id] = name
	}
	unnamed := ids(acme, hook(suspend("", ada)))
	require.Equal(t, unnamed, ids(acme, hook(suspend("", ada))), "no uuid, but the same bytes")
}

func TestDecodeRefusesWhatIsNoEventHook(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                 ``,
		"white space":           ` `,
		"not JSON":              `hello`,
		"null":                  `null`,
		"array":                 `[]`,
		"text":                  `"data"`,
		"empty object":          `{}`,
		"data null":             `{"data":null}`,
		"data of a wrong type":  `{"data":[]}`,
		"events null":           `{"data":{"events":null}}`,
		"events of wrong type":  `{"data":{"events":{}}}`,
		"an event is null":      `{"data":{"events":[null]}}`,
		"an event is text":      `{"data":{"events":["user.lifecycle.suspend"]}}`,
		"type is a number":      `{"data":{"events":[{"eventType":1}]}}`,
		"a target is null":      hook(event("user.lifecycle.suspend", user(admin), []string{"null"})),
		"target is an object":   hook(event("user.lifecycle.suspend", user(admin), nil, `"target":{}`)),
		"an id is a number":     hook(event("user.lifecycle.suspend", user(admin), []string{`{"id":1,"type":"User"}`})),
		"outcome is text":       hook(event("user.lifecycle.suspend", user(admin), nil, `"outcome":"SUCCESS"`)),
		"two ids":               hook(event("user.lifecycle.suspend", user(admin), []string{`{"id":"` + ada + `","type":"User","ID":"` + grace + `"}`})),
		"two events keys":       `{"data":{"events":[],"Events":[]}}`,
		"a second value behind": hook() + hook(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoded, err := source.NewOktaEventHook("acme").Decode(deliver(body))
			require.Error(t, err)
			require.Zero(t, decoded, "none of it is trusted")
			require.LessOrEqual(t, len(err.Error()), 400)
			require.NotContains(t, err.Error(), ada)
		})
	}
	require.Empty(t, decode(t, hook()).Signals, "no events are no error")
}

// Fields that decide nothing may be of any shape.
func TestDecodeIsLenientElsewhere(t *testing.T) {
	t.Parallel()
	body := `{"eventType":1,"source":null,"eventTime":"yesterday","data":{"events":[` +
		event("user.risk.detect", user(admin), []string{user(ada)}, `"version":0`, `"client":[]`, `"transaction":null`, `"securityContext":null`,
			`"debugContext":{"debugData":{"risk":"{reasons=A, B, level=HIGH}","n":1}}`, `"unknown":{"deep":[{}]}`) + `]}}`
	decoded := decode(t, body)
	require.Equal(t, []string{ada}, people(decoded))
	require.Equal(t, "HIGH", decoded.Signals[0].Risk)
	strange := decode(t, hook(strings.Replace(event("user.risk.detect", user(admin), []string{user(ada)}), `"2026-03-14T09:00:00.123Z"`, `"soon"`, 1)))
	require.True(t, strange.Signals[0].Occurred.IsZero())
	require.Equal(t, received(), strange.Signals[0].Received)
}
