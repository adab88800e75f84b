package app_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/internal/config"
	"sever/internal/practice"
	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source/preset"
)

// senders is a rig in which every preset is a source of its own name, and one key that
// stands for all senders' private keys.
type senders struct {
	*rig

	presets map[string]preset.Preset
	config  *config.Config // as loaded
	forger  *config.Config // the same, with secrets that Sever does not have
	key     *rsa.PrivateKey
	other   *rsa.PrivateKey
	secrets map[string]string
	people  map[string]string // Okta user id by what a sender calls the person
}

func newSenders(t *testing.T) *senders {
	t.Helper()
	presets, err := preset.All()
	require.NoError(t, err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	s := &senders{presets: presets, key: key, secrets: secrets(), people: map[string]string{}}
	keys := s.serveKeys(t)
	s.secrets["SENDERS_CERT"] = certificate(t, key)
	sources := map[string]any{}
	for name, known := range presets {
		sources[name] = s.settings(t, known, keys)
	}
	s.rig = prepareRig(t, newOkta(t), settings{sources: sources})
	s.env = func(name string) (string, bool) { value, set := s.secrets[name]; return value, set }
	s.config, s.forger, s.other = s.load(), s.withOtherSecrets(), otherKey(t)
	s.start()
	return s
}

// settings are what a user of the preset writes.
func (s *senders) settings(t *testing.T, known preset.Preset, keys string) map[string]any {
	t.Helper()
	written := map[string]any{}
	if known.Needs.Kind != 0 {
		require.NoError(t, known.Needs.Decode(&written), known.Name)
	}
	written["type"], written["org"] = known.Name, "acme"
	var says struct {
		Verify struct {
			Type, SecretEncoding string
			SecretPrefixes       []string `yaml:"secret_prefixes"`
		}
	}
	if known.Source.Kind != 0 {
		require.NoError(t, known.Source.Decode(&says), known.Name)
	}
	proof, _ := written["verify"].(map[string]any)
	if proof == nil {
		proof = map[string]any{}
		written["verify"] = proof
	}
	kind := says.Verify.Type
	if chosen, ok := proof["type"].(string); ok {
		kind = chosen
	}
	switch kind {
	case "jwt", "set":
		section(proof, "jwt")["jwks"] = keys
	case "sns":
		section(proof, "sns")["certificate"] = "env:SENDERS_CERT"
	default:
		variable := strings.ToUpper(known.Name) + "_SECRET"
		proof["secrets"] = []string{"env:" + variable}
		s.secrets[variable] = practiceSecret(known.Name, says.Verify.SecretPrefixes)
	}
	return written
}

func section(of map[string]any, name string) map[string]any {
	inner, ok := of[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		of[name] = inner
	}
	return inner
}

// practiceSecret can be read in any encoding that a preset asks for.
func practiceSecret(name string, prefixes []string) string {
	secret := base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%-36.36s", "practice secret of "+name)))
	if len(prefixes) > 0 {
		return prefixes[0] + secret
	}
	return secret
}

// serveKeys serves the public key as a key set.
func (s *senders) serveKeys(t *testing.T) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "practice",
		"n": encode(s.key.N.Bytes()), "e": encode(big.NewInt(int64(s.key.E)).Bytes()),
	}}})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(server.Close)
	return server.URL
}

func certificate(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// known makes sure that the simulated Okta has whom a sender names, and gives the user id.
func (s *senders) known(t *testing.T, settings config.Source, person string) string {
	t.Helper()
	if strings.HasPrefix(person, "00u") && len(person) == 20 {
		return person
	}
	if id, there := s.people[person]; there {
		return id
	}
	id := fmt.Sprintf("00uPreset%011d", len(s.people))
	user := oktasim.User{ID: id, Status: "ACTIVE", Login: id + "@example.com", Email: id + "@example.com"}
	if attribute := settings.Map.Person.Attribute; attribute != "" {
		user.Profile = map[string]any{attribute: person}
	} else {
		user.Login, user.Email = person, person
	}
	require.NoError(t, s.okta.PutUser(user))
	s.people[person] = id
	return id
}

// sent is a delivery as its sender makes it.
type sent struct {
	message  preset.Message
	settings config.Source
	signer   crypto.Signer
	at       time.Time
}

func (s *senders) of(name string, message preset.Message) sent {
	return sent{message: message, settings: s.config.Sources[name], signer: s.key, at: time.Now()}
}

// send gives the answer's status and the delivery's id, if it was stored.
func (s *senders) send(t *testing.T, delivery sent) (status int, id string) {
	t.Helper()
	name := delivery.settings.Type
	values := preset.Values{Source: name, At: delivery.at}
	if len(delivery.settings.Verify.Secrets) > 0 {
		values.Secret = delivery.settings.Verify.Secrets[0].Reveal()
	}
	body, headers, err := delivery.settings.Preset().Fill(delivery.message, values)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	sender := practice.Sender{Settings: delivery.settings, Key: delivery.signer, Now: delivery.at}
	req, err := sender.Request(ctx, s.app.URL()+"/v1/hooks/"+name, body, headers)
	require.NoError(t, err)
	return s.deliverSigned(t, req)
}

func (s *senders) deliverSigned(t *testing.T, req *http.Request) (status int, id string) {
	t.Helper()
	resp, err := s.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	for _, event := range s.seen.find(step(revocation.StepAccepted)) {
		if event.Request == resp.Header.Get("X-Request-Id") {
			id = event.Delivery
		}
	}
	return resp.StatusCode, id
}

// ends waits until the dispatcher is done with a delivery and gives what became of it.
func (s *senders) ends(t *testing.T, delivery string) []revocation.Event {
	t.Helper()
	about := func(event revocation.Event) bool { return event.Delivery == delivery && event.Stage == "dispatch" }
	s.seen.await(t, func(event revocation.Event) bool {
		return about(event) && (event.Step == revocation.StepDispatched || event.Step == revocation.StepDeadLetter)
	}, 1)
	return s.seen.find(about)
}

func steps(events []revocation.Event, want revocation.Step) []revocation.Event {
	return slices.DeleteFunc(slices.Clone(events), func(event revocation.Event) bool { return event.Step != want })
}

// Every preset, from the bytes on the wire to the call that Okta received.
func TestPresets(t *testing.T) { //nolint:tparallel // beside other tests, but one preset after the other
	t.Parallel()
	s := newSenders(t)
	t.Cleanup(func() { s.t = t })
	for _, name := range slices.Sorted(maps.Keys(s.presets)) {
		known := s.presets[name]
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.alertsRevoke(t, known)
			s.strangersDoNot(t, known)
			s.staleOnesDoNot(t, known)
			s.nonAlertsDoNot(t, known)
			s.trapsDoNot(t, known)
			s.futureOnesWait(t, known)
		})
	}
}

func (s *senders) alertsRevoke(t *testing.T, known preset.Preset) {
	t.Helper()
	for _, message := range append([]preset.Message{known.Sample}, known.More...) {
		delivery := s.of(known.Name, message)
		person := known.Person
		if message.Person != "" {
			person = message.Person
		}
		user := s.known(t, delivery.settings, person)
		before := callsFor(s.calls())
		status, id := s.send(t, delivery)
		require.Equal(t, delivery.accepted(), status, "%s: %s", known.Name, message.Name)
		events := s.ends(t, id)
		enqueued := steps(events, revocation.StepEnqueued)
		require.Len(t, enqueued, 1, "%s: %+v", message.Name, events)
		require.Equal(t, message.Expect.Type, enqueued[0].Type)
		s.seen.await(t, func(event revocation.Event) bool {
			return finished(event) && event.Record.Job.ID == enqueued[0].Job.ID
		}, 1)
		after := callsFor(s.calls())
		require.Equal(t, before[user]+1, after[user], "%s", message.Name)
		require.Equal(t, total(before)+1, total(after), "nobody else")
	}
}

func (d sent) accepted() int { return d.settings.Answer }

func total(calls map[string]int) int {
	sum := 0
	for _, n := range calls {
		sum += n
	}
	return sum
}

// strangersDoNot sends what is signed with another secret or key, and what is not signed.
func (s *senders) strangersDoNot(t *testing.T, known preset.Preset) {
	t.Helper()
	refused := []int{http.StatusUnauthorized, http.StatusBadRequest} // 400 is how a transmitter is told
	forged := s.of(known.Name, known.Sample)
	forged.signer, forged.settings = s.other, s.forger.Sources[known.Name]
	status, id := s.send(t, forged)
	require.Contains(t, refused, status)
	require.Empty(t, id, "not stored")

	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.app.URL()+"/v1/hooks/"+known.Name, strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	status, id = s.deliverSigned(t, req)
	require.Contains(t, append(refused, http.StatusUnsupportedMediaType), status)
	require.Empty(t, id)
}

// withOtherSecrets loads the same settings with secrets that Sever does not have.
func (s *senders) withOtherSecrets() *config.Config {
	other := maps.Clone(s.secrets)
	for name, secret := range other {
		if strings.HasSuffix(name, "_SECRET") && name != "OKTA_HOOK_SECRET" {
			prefix := ""
			if before, _, found := strings.Cut(secret, "_"); found {
				prefix = before + "_"
			}
			other[name] = prefix + base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%-36.36s", "guessed by a stranger")))
		}
	}
	return s.loadWith(func(name string) (string, bool) { value, set := other[name]; return value, set })
}

func otherKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

func (s *senders) staleOnesDoNot(t *testing.T, known preset.Preset) {
	t.Helper()
	for _, off := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		stale := s.of(known.Name, known.Sample)
		verify := stale.settings.Verify
		signsTime := verify.Timestamp != nil && verify.Timestamp.Tolerance > 0 || slices.Contains([]string{"jwt", "sns"}, verify.Type)
		if !signsTime {
			return
		}
		stale.at = stale.at.Add(off)
		status, id := s.send(t, stale)
		want := http.StatusServiceUnavailable // and put aside: one of the clocks may be wrong
		if verify.Type == "jwt" {
			want = http.StatusUnauthorized
		}
		require.Equal(t, want, status, "signed %s from now", off)
		require.Empty(t, id)
	}
}

func (s *senders) nonAlertsDoNot(t *testing.T, known preset.Preset) {
	t.Helper()
	for _, message := range known.NotAlerts {
		status, id := s.send(t, s.of(known.Name, message))
		require.Less(t, status, 300, message.Name)
		if id == "" {
			continue // a handshake, which is answered and not stored
		}
		events := s.ends(t, id)
		require.Empty(t, steps(events, revocation.StepEnqueued), message.Name)
		require.Empty(t, steps(events, revocation.StepDeadLetter), "%s: %+v", message.Name, events)
		ignored := steps(events, revocation.StepIgnored)
		require.NotEmpty(t, ignored, message.Name)
		require.Equal(t, message.Reason, ignored[0].Reason, message.Name)
	}
}

func (s *senders) trapsDoNot(t *testing.T, known preset.Preset) {
	t.Helper()
	for _, message := range known.Traps {
		status, id := s.send(t, s.of(known.Name, message))
		require.Less(t, status, 300, message.Name)
		require.Empty(t, steps(s.ends(t, id), revocation.StepEnqueued), message.Name)
	}
}

func (s *senders) futureOnesWait(t *testing.T, known preset.Preset) {
	t.Helper()
	if known.Future == nil {
		if known.Withdrawal != nil { // of what was never announced here
			status, id := s.send(t, s.of(known.Name, *known.Withdrawal))
			require.Equal(t, http.StatusAccepted, status)
			require.Empty(t, steps(s.ends(t, id), revocation.StepEnqueued))
		}
		return
	}
	s.known(t, s.of(known.Name, *known.Future).settings, known.Person)
	status, id := s.send(t, s.of(known.Name, *known.Future))
	require.Equal(t, http.StatusAccepted, status)
	events := s.ends(t, id)
	require.Empty(t, steps(events, revocation.StepEnqueued))
	require.Len(t, steps(events, revocation.StepHeld), 1, "%+v", events)
	if known.Withdrawal == nil {
		return
	}
	status, id = s.send(t, s.of(known.Name, *known.Withdrawal))
	require.Equal(t, http.StatusAccepted, status)
	events = s.ends(t, id)
	require.Empty(t, steps(events, revocation.StepEnqueued))
	require.Len(t, steps(events, revocation.StepWithdrawn), 1, "%+v", events)
}
