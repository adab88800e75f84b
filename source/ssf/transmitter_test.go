package ssf_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"sever/internal/secret"
	"sever/source"
	"sever/source/ssf"
)

const (
	audience      = "https://sever.example"
	managingToken = "token-of-the-tests"
	soon          = 20 * time.Second
)

// keyPair makes each key once: they take a while.
var keyPairs = [2]func() *rsa.PrivateKey{sync.OnceValue(newKey), sync.OnceValue(newKey)}

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// transmitter is a whole one: configuration, streams, verification, push and poll.
type transmitter struct {
	tb     testing.TB
	server *httptest.Server
	path   string // of the issuer

	mu      sync.Mutex
	key     int // which of keyPairs signs
	streams map[string]claims
	queue   []string          // jtis that were not settled
	sets    map[string]string // by jti
	calls   []string
	asked   chan pollReport
	arrived chan struct{} // something is in the queue
	change  func(claims)  // of what create answers
	respond http.HandlerFunc
}

// pollReport is what a poll tells the transmitter.
type pollReport struct {
	MaxEvents         int                          `json:"maxEvents"`
	ReturnImmediately *bool                        `json:"returnImmediately"`
	Ack               []string                     `json:"ack"`
	SetErrs           map[string]map[string]string `json:"setErrs"`
}

func newTransmitter(tb testing.TB, path string) *transmitter {
	tb.Helper()
	t := &transmitter{
		tb: tb, path: path, streams: map[string]claims{}, sets: map[string]string{},
		asked: make(chan pollReport, 100), arrived: make(chan struct{}, 100),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/ssf-configuration"+path, t.configuration)
	mux.HandleFunc("/streams", t.authorized(t.manage))
	mux.HandleFunc("GET /status", t.authorized(t.status))
	mux.HandleFunc("POST /verify", t.authorized(t.verify))
	mux.HandleFunc("POST /poll", t.authorized(t.poll))
	t.server = httptest.NewServer(mux)
	tb.Cleanup(t.server.Close)
	return t
}

func (t *transmitter) issuer() string { return t.server.URL + t.path }

func (t *transmitter) discover(tb testing.TB) *ssf.Client {
	tb.Helper()
	client, err := ssf.Discover(tb.Context(), t.issuer(), secret.New(managingToken), t.server.Client())
	require.NoError(tb, err)
	return client
}

func (t *transmitter) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		t.calls = append(t.calls, r.Method+" "+r.URL.RequestURI())
		respond := t.respond
		t.mu.Unlock()
		switch {
		case respond != nil:
			respond(w, r)
		case r.Header.Get("Authorization") != "Bearer "+managingToken:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			next(w, r)
		}
	}
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (t *transmitter) configuration(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusTeapot) // a token has no business here
		return
	}
	answerJSON(w, http.StatusOK, claims{
		"issuer": t.issuer(), "jwks_uri": t.server.URL + "/keys", "configuration_endpoint": t.server.URL + "/streams",
		"status_endpoint": t.server.URL + "/status?tenant=1", "verification_endpoint": t.server.URL + "/verify",
		"delivery_methods_supported": []string{ssf.MethodPush, ssf.MethodPoll}, "default_subjects": "ALL",
	})
}

func (t *transmitter) manage(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := r.URL.Query().Get("stream_id")
	switch stream := t.streams[id]; {
	case r.Method == http.MethodPost && len(t.streams) > 0:
		w.WriteHeader(http.StatusConflict)
	case r.Method == http.MethodPost:
		answerJSON(w, http.StatusCreated, t.create(r))
	case r.Method == http.MethodGet && id == "":
		list := []claims{}
		for _, stream := range t.streams {
			list = append(list, stream)
		}
		answerJSON(w, http.StatusOK, list)
	case stream == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		delete(t.streams, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		answerJSON(w, http.StatusOK, stream)
	}
}

func (t *transmitter) create(r *http.Request) claims {
	var stream claims
	if err := json.NewDecoder(r.Body).Decode(&stream); err != nil {
		return nil
	}
	delivery, _ := stream["delivery"].(claims)
	if delivery["method"] == ssf.MethodPoll {
		delivery["endpoint_url"] = t.server.URL + "/poll"
	}
	stream["stream_id"], stream["iss"], stream["aud"], stream["events_delivered"] = "stream-1", t.issuer(), audience, stream["events_requested"]
	if t.change != nil {
		t.change(stream)
	}
	t.streams["stream-1"] = stream
	return stream
}

func (t *transmitter) status(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams[r.URL.Query().Get("stream_id")] == nil || r.URL.Query().Get("tenant") != "1" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answerJSON(w, http.StatusOK, claims{"stream_id": "stream-1", "status": "enabled"})
}

// verify sends a verification event by the stream's way of delivery.
func (t *transmitter) verify(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		ID    string `json:"stream_id"`
		State string `json:"state"`
	}
	_ = json.NewDecoder(r.Body).Decode(&asked)
	t.mu.Lock()
	stream := t.streams[asked.ID]
	t.mu.Unlock()
	if stream == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	delivery, _ := stream["delivery"].(claims)
	event := t.verification(asked.ID, asked.State)
	if delivery["method"] == ssf.MethodPoll {
		t.enqueue(event)
		return
	}
	authorization, _ := delivery["authorization_header"].(string)
	go func() { _, _ = push(delivery["endpoint_url"].(string), authorization, t.sign(event)) }() //nolint:contextcheck // it outlives the question
}

func (t *transmitter) verification(stream, state string) claims {
	event := claims{}
	if state != "" {
		event["state"] = state
	}
	body := t.event("v-"+state, fram+"verification", event)
	body["sub_id"] = claims{"format": "opaque", "id": stream}
	return body
}

// event is a SET about Ada.
func (t *transmitter) event(id, uri string, payload claims) claims {
	return claims{
		"iss": t.issuer(), "jti": id, "iat": time.Now().Unix(), "aud": audience,
		"sub_id": claims{"format": "email", "email": "ada@example.com"}, "events": claims{uri: payload},
	}
}

func (t *transmitter) revoked(id string) claims { return t.event(id, caep+"session-revoked", claims{}) }

func (t *transmitter) rotate() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.key = 1 - t.key
}

func (t *transmitter) sign(set claims) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return signWith(t.tb, t.key, set)
}

func signWith(tb testing.TB, key int, set claims) string {
	tb.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(set))
	token.Header["typ"], token.Header["kid"] = "secevent+jwt", []string{"first", "second"}[key]
	jws, err := token.SignedString(keyPairs[key]())
	if err != nil {
		tb.Error(err)
	}
	return jws
}

// enqueue keeps a SET for the next polls.
func (t *transmitter) enqueue(set claims) {
	t.enqueueAs(set["jti"].(string), t.sign(set))
}

func (t *transmitter) enqueueAs(id, jws string) {
	t.mu.Lock()
	t.queue, t.sets[id] = append(t.queue, id), jws
	t.mu.Unlock()
	t.arrived <- struct{}{}
}

// poll answers as RFC 8936 says; a poll of an empty queue is held back.
func (t *transmitter) poll(w http.ResponseWriter, r *http.Request) {
	var report pollReport
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&report); err != nil || report.Ack == nil || report.SetErrs == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	settled := func(id string) bool {
		_, refused := report.SetErrs[id]
		return refused || slices.Contains(report.Ack, id)
	}
	t.mu.Lock()
	t.queue = slices.DeleteFunc(t.queue, settled)
	t.mu.Unlock()
	t.asked <- report
	sets, more := t.next(report.MaxEvents)
	for len(sets) == 0 {
		select {
		case <-t.arrived:
			sets, more = t.next(report.MaxEvents)
		case <-r.Context().Done():
			return
		}
	}
	answerJSON(w, http.StatusOK, claims{"sets": sets, "moreAvailable": more})
}

func (t *transmitter) next(limit int) (sets map[string]string, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sets = map[string]string{}
	for _, id := range t.queue[:min(limit, len(t.queue))] {
		sets[id] = t.sets[id]
	}
	return sets, len(t.queue) > limit
}

// report waits for the next poll.
func (t *transmitter) report(tb testing.TB) pollReport {
	tb.Helper()
	select {
	case report := <-t.asked:
		return report
	case <-time.After(soon):
		require.FailNow(tb, "nobody polled")
		return pollReport{}
	}
}

// push sends a SET as RFC 8935 says, and gives the answer.
func push(endpoint, authorization, jws string) (status int, said claims) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, bytes.NewBufferString(jws))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/secevent+jwt")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := (&http.Client{Timeout: soon}).Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(body, &said)
	return resp.StatusCode, said
}

// Verify checks a SET as package verify does, with the key that signs at the moment.
func (t *transmitter) Verify(_ context.Context, req source.Request) (source.Verified, error) {
	t.mu.Lock()
	key := t.key
	t.mu.Unlock()
	set := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"})).ParseWithClaims(string(req.Body), set, func(token *jwt.Token) (any, error) {
		if token.Header["kid"] != []string{"first", "second"}[key] {
			return nil, &source.SETError{Code: "invalid_key", Description: "The key is not known."}
		}
		return keyPairs[key]().Public(), nil
	})
	switch {
	case err != nil:
		return source.Verified{}, &source.SETError{Code: "invalid_key", Description: "The signature is not right."}
	case set["iss"] != t.issuer():
		return source.Verified{}, &source.SETError{Code: "invalid_issuer", Description: "The issuer is not known."}
	case set["aud"] != audience:
		return source.Verified{}, &source.SETError{Code: "invalid_audience", Description: "It is for somebody else."}
	}
	return source.Verified{}, nil
}

func (*transmitter) Early(source.Request) error { return nil }
