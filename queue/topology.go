package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sever/revocation"
)

// The streams, their subjects and the buckets.
const (
	streamDeliveries = "DELIVERIES"
	streamJobs       = "JOBS"
	streamDead       = "DEAD"
	streamAudit      = "AUDIT"
	streamWakes      = "WAKES"
	bucketLedger     = "LEDGER"
	bucketHeld       = "HELD"
	bucketBrake      = "BRAKE"

	subjectDeliveries  = "sever.deliveries"
	subjectJobs        = "sever.jobs." // <org>.<lane>
	subjectDead        = "sever.dead"
	subjectAuditRecord = "sever.audit.record." // <org>
	subjectAuditAction = "sever.audit.action"
	subjectSchedule    = "sever.schedule." // <org>.<key of the hold>
	subjectWake        = "sever.wake."     // <org>.<key of the hold>

	consumerDispatch = "dispatch"
	consumerRelease  = "release"
)

// streamOf is the stream below a bucket.
func streamOf(bucket string) string { return "KV_" + bucket }

// dedupWindow is how long JetStream itself drops a job, dead letter or record that
// was published twice. It only saves work: the ledger is what recognises duplicates,
// at any age. Every id of the window is read again at start, so it is kept short.
const dedupWindow = time.Hour

// Retention says how long each stream keeps what it holds.
type Retention struct {
	Deliveries time.Duration // also how far back deliveries can be replayed
	Jobs       time.Duration // longer than any job may stay on its lane
	Ledger     time.Duration // longer than Deliveries and Jobs: a duplicate within them must be known
	Dead       time.Duration
}

// topology is every stream, with the reason for every setting. All streams but WAKES
// discard *new* messages when full: the default would silently drop the oldest
// unprocessed alert. Their shares of maxSize make one together. Limits retention, not work-queue retention, because a
// work-queue forgets message ids at restart and fsyncs every acknowledgement
// (docs/decisions/0004).
type topology struct {
	retention Retention
	maxSize   int64 // bytes on disk for all streams together
	replicas  int
	orgs      []string
	ackWait   time.Duration
}

func (t topology) streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: streamDeliveries, Subjects: []string{subjectDeliveries},
			Description: "Authenticated deliveries as they came, several packed into one message",
			MaxAge:      t.retention.Deliveries, MaxBytes: t.maxSize / 192 * 55,
			Duplicates: 0, // packs have no ids: a delivery sent twice is recognised by its jobs
		},
		{
			Name: streamJobs, Subjects: []string{subjectJobs + "*.*"},
			Description: "One revocation job each, on the lane of its org",
			MaxAge:      t.retention.Jobs, MaxBytes: t.maxSize / 6,
			Duplicates:         dedupWindow,
			AllowAtomicPublish: true, // many jobs, one fsync: see jobsbatch.go
		},
		{
			Name: streamDead, Subjects: []string{subjectDead},
			Description: "What waits for an operator, with its reason and its raw bytes",
			MaxAge:      t.retention.Dead, MaxBytes: t.maxSize / 12,
			Duplicates: dedupWindow,
		},
		{
			// Evidence: no age, and nobody may delete or purge. Full, it refuses; jobs
			// then stay unacknowledged, and only their audit is tried again.
			Name: streamAudit, Subjects: []string{subjectAuditRecord + "*", subjectAuditAction},
			Description: "One record per attempt and per operator action",
			MaxBytes:    t.maxSize / 4, DenyDelete: true, DenyPurge: true,
			Duplicates: dedupWindow,
		},
	}
}

// wakes holds the time of every hold: see wakes.go. JetStream refuses DiscardNew with
// schedules, since one that finds no room would be stuck. It never comes to that: there
// is at most one schedule for each key of HELD, and it is smaller; HELD, of the same
// size, refuses first. Were one dropped all the same, Holds.Rearm would set it again.
func (t topology) wakes() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamWakes, Subjects: []string{subjectSchedule + "*.*", subjectWake + "*.*"},
		Description: "When each hold is to be looked at, and those to be looked at now",
		// No age: a termination may be announced months ahead. Wakes bring their own.
		MaxBytes: t.maxSize / 48, Discard: jetstream.DiscardOld,
		AllowMsgSchedules: true, AllowRollup: true, AllowMsgTTL: true,
		Duplicates: 0, // a schedule replaces the one before, whatever it says
	}
}

// held has no age: a termination may be announced months ahead. What a hold came to is
// kept for as long as the ledger; LimitMarkerTTL is what allows ages of their own, and
// how long a key stays marked as gone after it.
func (t topology) held() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:      bucketHeld,
		Description: "hold_<id>: the job that waits for a date, or how that ended",
		MaxBytes:    t.maxSize / 48, LimitMarkerTTL: time.Minute,
		History: 1, Storage: jetstream.FileStorage, Replicas: t.replicas,
	}
}

// brake has no age: what is too old is dropped at the next change. One key for each org is
// small, however many people it names.
func (t topology) brake() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:      bucketBrake,
		Description: "org.<name>: who was called lately",
		MaxBytes:    t.maxSize / 192,
		History:     1, Storage: jetstream.FileStorage, Replicas: t.replicas,
	}
}

func (t topology) ledger() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:      bucketLedger,
		Description: "job.<id>: the record that finished it; user.<org>.<id>: the newest revocation",
		TTL:         t.retention.Ledger, MaxBytes: t.maxSize / 6,
		History: 1, Storage: jetstream.FileStorage, Replicas: t.replicas,
	}
}

func (t topology) dispatchConsumer() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: consumerDispatch, AckPolicy: jetstream.AckExplicitPolicy,
		// Short, because heartbeats keep it alive: a killed process's work moves on soon.
		AckWait: t.ackWait,
		// So much may be in hand in each process; the rest is for further replicas.
		MaxAckPending: 16 * gatherPacks,
		MaxDeliver:    -1, // never given up by count
	}
}

// releaseConsumer is shared by all processes that dispatch.
func (t topology) releaseConsumer() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: consumerRelease, FilterSubject: subjectWake + "*.*",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: t.ackWait, MaxAckPending: 64,
		MaxDeliver: -1, // a hold must not be forgotten because its release failed
	}
}

func (t topology) jobsConsumer(org string, lane revocation.Lane) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: workConsumer(org, lane), FilterSubject: jobsSubject(org, lane),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: t.ackWait,
		// Jobs that wait for a retry count as pending too; an outage must not block
		// the lane for the jobs behind them.
		MaxAckPending: 100_000,
		MaxDeliver:    -1, // given up by age, in revocation.settle
	}
}

func workConsumer(org string, lane revocation.Lane) string { return "work-" + org + "-" + string(lane) }

func jobsSubject(org string, lane revocation.Lane) string {
	return subjectJobs + org + "." + string(lane)
}

// ensure creates what is missing and updates what differs.
func (t topology) ensure(ctx context.Context, js jetstream.JetStream) error {
	streams := t.streams()
	for i := range streams {
		streams[i].Discard = jetstream.DiscardNew
	}
	for _, config := range append(streams, t.wakes()) {
		config.Storage = jetstream.FileStorage
		config.Replicas = t.replicas
		config.AllowDirect = true
		if _, err := js.CreateOrUpdateStream(ctx, config); err != nil {
			return fmt.Errorf("create or update stream %s: %w", config.Name, err)
		}
	}
	for _, config := range []jetstream.KeyValueConfig{t.ledger(), t.held(), t.brake()} {
		if _, err := js.CreateOrUpdateKeyValue(ctx, config); err != nil {
			return fmt.Errorf("create or update bucket %s: %w", config.Bucket, err)
		}
	}
	return t.ensureConsumers(ctx, js)
}

func (t topology) ensureConsumers(ctx context.Context, js jetstream.JetStream) error {
	if _, err := js.CreateOrUpdateConsumer(ctx, streamDeliveries, t.dispatchConsumer()); err != nil {
		return fmt.Errorf("create or update consumer %s: %w", consumerDispatch, err)
	}
	if _, err := js.CreateOrUpdateConsumer(ctx, streamWakes, t.releaseConsumer()); err != nil {
		return fmt.Errorf("create or update consumer %s: %w", consumerRelease, err)
	}
	for _, org := range t.orgs {
		for _, lane := range revocation.Lanes() {
			config := t.jobsConsumer(org, lane)
			if _, err := js.CreateOrUpdateConsumer(ctx, streamJobs, config); err != nil {
				return fmt.Errorf("create or update consumer %s: %w", config.Durable, err)
			}
		}
	}
	return nil
}
