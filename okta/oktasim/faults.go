package oktasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxFaults       = 1000
	maxFaultCount   = 1_000_000
	maxFaultLatency = 10 * time.Minute
)

// Fault is what the next Count API calls get. A fault with a status happens instead of the call's effect.
type Fault struct {
	Count           int           // how many calls; below one means one
	Status          int           // 200 to 599, with the body Okta sends; zero lets the call have its effect
	Path            string        // only calls whose path starts with it, such as /oauth2/v1/token; empty means any call
	Code            string        // another error code than the usual one of Status: E0000038, or an OAuth one such as invalid_client
	WWWAuthenticate string        // sent with Status and without a body, as Okta does for OAuth failures
	Latency         time.Duration // added before anything else happens
	Cut             bool          // close the connection; no effect, no answer
	CutAfter        bool          // let the effect happen, then close the connection; no answer
	RateLimited     bool          // 429 for a used-up window that ends after ResetIn
	Concurrency     bool          // 429 for too many calls at once: limit 0 and an absurd reset
	ResetIn         time.Duration // with RateLimited; zero means the window's own end
}

// answers reports whether the fault stands in for the call's own answer.
func (f Fault) answers() bool {
	return f.Status != 0 || f.RateLimited || f.Concurrency
}

func (f Fault) validate() error {
	if !f.answers() && !f.Cut && !f.CutAfter && f.Latency == 0 {
		return errors.New("nothing to do: give status, latency, cut, cut_after, rate_limited or concurrency")
	}
	return f.validateRanges()
}

func (f Fault) validateRanges() error {
	switch {
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return errors.New("path: must start with a slash")
	case f.Count < 0 || f.Count > maxFaultCount:
		return fmt.Errorf("count: must be 1 to %d", maxFaultCount)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("status: must be 200 to 599")
	case f.Latency < 0 || f.Latency > maxFaultLatency:
		return fmt.Errorf("latency: must be at most %s", maxFaultLatency)
	case f.ResetIn < 0 || f.ResetIn > maxFaultLatency:
		return fmt.Errorf("reset_in: must be at most %s", maxFaultLatency)
	}
	return nil
}

// UnmarshalJSON reads the body of POST /_sim/faults: {"count":3,"status":503,"latency":"2s","cut":true,"cut_after":true,
// "rate_limited":true,"concurrency":true,"reset_in":"2s","code":"E0000038","www_authenticate":"...","path":"/oauth2/v1/token"}.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var wire struct {
		Count           int    `json:"count"`
		Status          int    `json:"status"`
		Path            string `json:"path"`
		Code            string `json:"code"`
		WWWAuthenticate string `json:"www_authenticate"`
		Latency         string `json:"latency"`
		Cut             bool   `json:"cut"`
		CutAfter        bool   `json:"cut_after"`
		RateLimited     bool   `json:"rate_limited"`
		Concurrency     bool   `json:"concurrency"`
		ResetIn         string `json:"reset_in"`
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wire); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	latency, err := optionalDuration("latency", wire.Latency)
	if err != nil {
		return err
	}
	resetIn, err := optionalDuration("reset_in", wire.ResetIn)
	if err != nil {
		return err
	}
	*f = Fault{
		Count: wire.Count, Status: wire.Status, Path: wire.Path, Code: wire.Code, WWWAuthenticate: wire.WWWAuthenticate, Latency: latency,
		Cut: wire.Cut, CutAfter: wire.CutAfter, RateLimited: wire.RateLimited, Concurrency: wire.Concurrency, ResetIn: resetIn,
	}
	return nil
}

func optionalDuration(field, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("fault: %s: give it like \"2s\"", field)
	}
	return d, nil
}

// ParseFaults reads a list such as "503:3,429:2,cut:1": what happens, then to how many calls, in that order. What happens is
// an HTTP status, "cut", "cut_after" or "concurrency". An empty text is no faults.
func ParseFaults(s string) ([]Fault, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var faults []Fault
	for item := range strings.SplitSeq(s, ",") {
		fault, err := parseFault(strings.TrimSpace(item))
		if err != nil {
			return nil, fmt.Errorf("fault %.40q: %w", item, err)
		}
		faults = append(faults, fault)
	}
	return faults, nil
}

func parseFault(item string) (Fault, error) {
	name, countText, found := strings.Cut(item, ":")
	count := 1
	if found {
		n, err := strconv.Atoi(countText)
		if err != nil || n < 1 {
			return Fault{}, errors.New("the count after the colon must be a number from 1, as in 503:3")
		}
		count = n
	}
	fault := Fault{Count: count}
	switch name {
	case "cut":
		fault.Cut = true
	case "cut_after":
		fault.CutAfter = true
	case "concurrency":
		fault.Concurrency = true
	case "429":
		fault.RateLimited = true
	default:
		status, err := strconv.Atoi(name)
		if err != nil || status == 0 {
			return Fault{}, errors.New("want a status, cut, cut_after or concurrency, as in 503:3")
		}
		fault.Status = status
	}
	return fault, fault.validate()
}

// faultQueue holds faults until calls have used them up.
type faultQueue struct {
	mu      sync.Mutex
	pending []Fault
}

func (q *faultQueue) add(faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, fault := range faults {
		fault.Count = max(1, fault.Count)
		q.pending = append(q.pending, fault)
	}
	q.pending = q.pending[:min(len(q.pending), maxFaults)]
}

// next uses up one call's worth of the first fault that is for the path.
func (q *faultQueue) next(path string) (Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.pending, func(f Fault) bool { return strings.HasPrefix(path, f.Path) })
	if i < 0 {
		return Fault{}, false
	}
	fault := q.pending[i]
	q.pending[i].Count--
	if q.pending[i].Count <= 0 {
		q.pending = slices.Delete(q.pending, i, i+1)
	}
	return fault, true
}

func (q *faultQueue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending = nil
}

// AddFaults queues faults behind those still pending; at most 1,000 are kept.
func (s *Server) AddFaults(faults ...Fault) { s.faults.add(faults) }

func (s *Server) faultReply(f Fault) reply {
	status := f.Status
	if f.RateLimited || f.Concurrency {
		status = http.StatusTooManyRequests
	}
	if f.WWWAuthenticate != "" {
		return reply{status: status, header: http.Header{"Www-Authenticate": {f.WWWAuthenticate}}}
	}
	code := f.Code
	if code == "" {
		code = codeFor(status)
	}
	switch {
	case code != "" && !strings.HasPrefix(code, "E"):
		return (&oauthProblem{status, code, "This failure was asked for."}).tokenReply()
	case code != "":
		return s.known(status, code)
	case status >= 300:
		// A redirect, which Okta never sends: somewhere to be led astray to.
		return reply{status: status, header: http.Header{"Location": {"/api/v1/astray"}}}
	}
	return reply{status: status}
}

// rateState is what the rate headers of the fault's answer say, given what they would have said.
func (f Fault) rateState(state rateState, now time.Time) rateState {
	switch {
	case f.Concurrency:
		return concurrencyState(now)
	case f.RateLimited || f.Status == http.StatusTooManyRequests:
		state.remaining = 0
		if f.ResetIn > 0 {
			state.reset = ceilSecond(now.Add(f.ResetIn))
		}
	}
	return state
}
