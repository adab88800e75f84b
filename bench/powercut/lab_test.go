package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/okta/oktasim"
	"sever/revocation"
	"sever/source"
)

// patience is how long nothing may come of any delivery before the rest is given up. A job comes again after 5 s.
const patience = 15 * time.Second

// sent is a delivery that was answered with 2xx.
type sent struct {
	user, event string
	at          time.Time // before the request was sent
}

// TestNoAcceptedDeliveryIsLost cuts the power under Sever at random moments, several times in a row on one store, and
// then checks every delivery that was answered with 2xx. POWERCUT_ROUNDS (3) says how often, SEED which rounds, and
// POWERCUT_PROMISE=strict takes the disk that promises no more than POSIX.
func TestNoAcceptedDeliveryIsLost(t *testing.T) { //nolint:paralleltest // its patience is for a machine with one lab on it
	binary := buildSever(t)
	for seed := range seeds(t) {
		t.Run(fmt.Sprintf("SEED=%d", seed), func(t *testing.T) {
			newRound(t, binary, seed).run()
		})
	}
}

// seeds gives one number for each round.
func seeds(t *testing.T) func(func(uint64) bool) {
	t.Helper()
	rounds, first := number(t, "POWERCUT_ROUNDS", 3), number(t, "SEED", uint64(time.Now().Unix()))
	return func(yield func(uint64) bool) {
		for seed := first; seed < first+rounds && yield(seed); seed++ {
			continue
		}
	}
}

func number(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set || text == "" {
		return usual
	}
	value, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return value
}

func promise() Promise {
	if os.Getenv("POWERCUT_PROMISE") == Strict.String() {
		return Strict
	}
	return Ext4
}

// round is one installation and all that happens to it.
type round struct {
	t      *testing.T
	random *rand.Rand
	binary string
	file   string
	okta   *oktasim.Server
	dir    string // where the disk is mounted
	disk   *Disk

	unmount  func() error
	mu       sync.Mutex
	accepted []sent
	refused  atomic.Int64 // sent and not answered with 2xx
	why      atomic.Value // the newest reason, a string
	events   atomic.Int64
}

func newRound(t *testing.T, binary string, seed uint64) *round {
	t.Helper()
	// 40 calls a second: when the power goes, jobs are at every stage.
	sim := oktasim.New(oktasim.Options{Seed: seed, Rate: oktasim.RateLimit{Limit: 40, Window: time.Second}, Latency: 5 * time.Millisecond})
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	dir := t.TempDir()
	return &round{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), binary: binary, okta: sim,
		dir: dir, file: settings(t, dir, server.URL), disk: NewDisk(promise()),
	}
}

func (r *round) run() {
	r.mount()
	lives := 1 + r.random.IntN(3)
	for life := range lives {
		r.live(life)
	}
	last := startSever(r.t, r.binary, r.file)
	last.awaitReady(r.t)
	r.check(last)
	last.kill()
	require.NoError(r.t, r.unmount())
	require.NotEmpty(r.t, r.accepted, "a round that accepts nothing shows nothing: %v", r.why.Load())
	r.t.Logf("%s: %d cuts, %d deliveries accepted, %d not, %d calls", r.disk.promise, lives, len(r.accepted), r.refused.Load(), len(r.okta.Calls()))
}

func (r *round) mount() {
	var err error
	r.unmount, err = Mount(r.disk, r.dir)
	if errors.Is(err, ErrNotPermitted) {
		r.t.Skip(err)
	}
	require.NoError(r.t, err)
	unmount := r.unmount
	r.t.Cleanup(func() { _ = unmount() }) // of a round that failed, after its process was killed
}

// live starts Sever, sends until the power goes, and puts the disk that is left in place. The first life starts in peace, for
// before there is a 2xx nothing can be lost; later ones may end while Sever still reads its store.
func (r *round) live(life int) {
	p := startSever(r.t, r.binary, r.file)
	until := time.Duration(r.random.Int64N(int64(1200 * time.Millisecond)))
	if life == 0 {
		p.awaitReady(r.t)
		until += 100 * time.Millisecond // so that something is accepted
	}
	off := make(chan struct{})
	var senders sync.WaitGroup
	for range 1 + r.random.IntN(16) {
		random := rand.New(rand.NewPCG(r.random.Uint64(), 1))
		senders.Go(func() { r.send(p, random, off) })
	}
	<-time.After(until) // not for a result: the moment of the cut is what is random here
	var luck *rand.Rand
	if r.random.IntN(2) == 0 {
		luck = r.random
	}
	left, dropped := r.disk.Cut(luck)
	close(off)
	senders.Wait()
	p.kill()
	require.NoError(r.t, r.unmount())
	r.t.Logf("cut %s after the start, luck %t: dropped %+v", until, luck != nil, dropped)
	r.disk = left
	r.mount()
}

// send delivers alerts about people of a small crowd until the power is off.
func (r *round) send(p *process, random *rand.Rand, off <-chan struct{}) {
	select {
	case <-p.ready:
	case <-p.ended:
		return
	case <-off:
		return
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-off:
			return
		default:
		}
		one := sent{
			user: fmt.Sprintf("00uPowerCut%09d", random.IntN(60)), at: time.Now(),
			event: fmt.Sprintf("event-%d", r.events.Add(1)),
		}
		if err := deliver(client, p.senders, one); err != nil {
			r.refused.Add(1)
			r.why.Store(err.Error())
			continue
		}
		r.mu.Lock()
		r.accepted = append(r.accepted, one)
		r.mu.Unlock()
	}
}

// deliver gives an error unless the answer was a 2xx.
func deliver(client *http.Client, url string, one sent) error {
	body := source.OktaSample{Type: "user.lifecycle.suspend", User: one.user, UUID: one.event, Published: one.at}.Body()
	req, err := http.NewRequest(http.MethodPost, url+"/v1/hooks/okta", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", hookSecret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", resp.Status, said)
	}
	return err
}

// check waits until every accepted delivery is settled, and then looks at what was done for each.
func (r *round) check(p *process) {
	r.t.Helper()
	open := r.accepted
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	deadline := time.Now().Add(patience)
	for len(open) > 0 && time.Now().Before(deadline) {
		var still []sent
		for _, one := range open {
			if !r.settled(p, one) {
				still = append(still, one)
			}
		}
		if len(still) < len(open) {
			deadline = time.Now().Add(patience)
		}
		open = still
		<-look.C
	}
	require.Empty(r.t, open, "%d of %d accepted deliveries never led to anything", len(open), len(r.accepted))
	newest := r.newestRevocations()
	for _, one := range r.accepted {
		require.False(r.t, newest[one.user].Before(one.at), "%s: no revocation of %s began after its receipt", one.event, one.user)
	}
}

// settled says whether the delivery's job is on record as done. Anything but a revocation, its own or one that covers it, fails
// the test: nothing here gives a reason to hold or refuse.
func (r *round) settled(p *process, one sent) bool {
	signal := revocation.DeriveID("sig", "acme", "okta", one.event, one.user)
	id := revocation.JobID("acme", signal, revocation.Scope{OAuthTokens: true, ForgetDevices: true})
	var state revocation.JobState
	found, err := p.ask("/api/v1/jobs/"+id, &state)
	require.NoError(r.t, err, p.log())
	if !found || state.State == revocation.StatePending {
		return false
	}
	require.Equal(r.t, revocation.StateFinished, state.State, "%+v", state)
	require.Contains(r.t, []revocation.Outcome{revocation.OutcomeRevoked, revocation.OutcomeCovered}, state.Record.Outcome)
	return true
}

// newestRevocations gives when the newest call began that Okta said yes to, for each person.
func (r *round) newestRevocations() map[string]time.Time {
	newest := make(map[string]time.Time)
	for _, call := range r.okta.Calls() {
		if call.Method == http.MethodDelete && call.Status == http.StatusNoContent {
			newest[call.User] = call.Time
		}
	}
	return newest
}
