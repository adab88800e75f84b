package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says where the streams live and what they keep.
type Config struct {
	Dir     string   // folder of the embedded server; empty when Cluster is set
	Cluster *Cluster // an external cluster instead

	MaxSize   int64 // bytes on disk for all streams together
	Retention Retention
	AckWait   time.Duration // how long a job or log entry stays with a silent holder
	Orgs      []string
	MaxBody   int64 // the largest delivery that must fit

	Logger *slog.Logger
}

// Cluster is an external NATS cluster.
type Cluster struct {
	URL         string // one or several, by commas
	Credentials string // path of a .creds file, or empty
	Replicas    int
}

// Queue is a connection to the streams, and the embedded server behind it, if any.
type Queue struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	embedded *embedded
	topology topology
	config   Config

	recording sync.WaitGroup     // keeps the record of what the embedded server's store holds
	stopped   context.CancelFunc // ends it
}

// letterWords is room for what a dead letter says beside the delivery, which it
// holds as base64.
const letterWords = 64 << 10

// needsPayload is how large a message must be allowed to be for the largest delivery.
func needsPayload(maxBody int64) int64 { return maxBody*4/3 + letterWords }

// Open starts the embedded server or connects to the cluster, and makes sure that
// every stream is there.
func Open(ctx context.Context, config Config) (*Queue, error) {
	q := &Queue{config: config, topology: topology{
		retention: config.Retention, maxSize: config.MaxSize, replicas: 1,
		orgs: config.Orgs, ackWait: config.AckWait,
	}}
	if err := q.connect(); err != nil {
		return nil, errors.Join(err, q.Close()) //nolint:contextcheck // the store is closed whatever became of ctx
	}
	if err := q.prepare(ctx); err != nil {
		return nil, errors.Join(err, q.Close()) //nolint:contextcheck // the store is closed whatever became of ctx
	}
	return q, nil
}

func (q *Queue) connect() (err error) {
	if q.config.Cluster != nil {
		q.topology.replicas = q.config.Cluster.Replicas
		q.conn, err = connectCluster(*q.config.Cluster, q.config.Logger)
		return err
	}
	q.embedded, err = startEmbedded(q.config.Dir, q.config.Logger)
	if err != nil {
		return err
	}
	q.conn, err = q.embedded.connect(options(q.config.Logger)...)
	return err
}

func (q *Queue) prepare(ctx context.Context) (err error) {
	if need := needsPayload(q.config.MaxBody); q.conn.MaxPayload() < need {
		return fmt.Errorf("NATS takes messages of at most %d bytes, but a delivery of receive.max_body needs %d: "+
			"raise max_payload on the NATS server or lower receive.max_body", q.conn.MaxPayload(), need)
	}
	if version := q.conn.ConnectedServerVersion(); tooOld(version) {
		return fmt.Errorf("nats.url: nats-server %s is too old: jobs that wait for a date need message schedules, "+
			"which came with %d.%d; upgrade the servers, to 2.15 if you can", version, oldestMajor, oldestMinor)
	}
	if q.js, err = jetstream.New(q.conn); err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	if err := q.ensureMended(ctx); errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("JetStream does not answer; enable it on the servers of nats.url: %w", err)
	} else if err != nil {
		return err
	}
	if q.embedded == nil {
		return nil
	}
	return q.watchStore(ctx)
}

func connectCluster(cluster Cluster, logger *slog.Logger) (*nats.Conn, error) {
	opts, fields := options(logger), "nats.url"
	if cluster.Credentials != "" {
		opts = append(opts, nats.UserCredentials(cluster.Credentials))
		fields = "nats.url, nats.credentials"
	}
	conn, err := nats.Connect(cluster.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS (%s): %w", fields, err)
	}
	return conn, nil
}

// pingEvery is how often the connection to NATS is tried.
const pingEvery = 3 * time.Second

func options(logger *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("sever"),
		nats.MaxReconnects(-1), // an operator restarts NATS, not us
		nats.ReconnectWait(250 * time.Millisecond),
		// A connection that died without a word, behind a firewall that forgot it say, is
		// noticed after the third ping and replaced. By nats.go's defaults it would take six
		// minutes, with 503 for every sender.
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		// No publish may linger in a buffer while the connection is away: its sender
		// was told 503 long ago and will send again.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				logger.Warn("lost the connection to NATS", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { logger.Info("connected to NATS again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			logger.Warn("NATS reported an error", "error", err)
		}),
	}
}

// Close ends the connection and stops the embedded server. Everything that uses
// the queue must have stopped before: an in-process connection does not notice
// that its server is gone.
func (q *Queue) Close() error {
	q.closeRecord()
	if q.conn != nil {
		q.conn.Close()
	}
	if q.embedded != nil {
		return q.embedded.stop()
	}
	return nil
}

// publish stores one message durably. id is for JetStream's own window of
// duplicates, in which it is not stored again; empty means none.
func (q *Queue) publish(ctx context.Context, stream, subject, id string, data []byte) (stored bool, err error) {
	return q.publishMsg(ctx, stream, id, &nats.Msg{Subject: subject, Data: data})
}

func (q *Queue) publishMsg(ctx context.Context, stream, id string, msg *nats.Msg) (stored bool, err error) {
	opts := []jetstream.PublishOpt{jetstream.WithExpectStream(stream)}
	if id != "" {
		opts = append(opts, jetstream.WithMsgID(id))
	}
	ack, err := q.js.PublishMsg(ctx, msg, opts...)
	if err != nil {
		return false, fmt.Errorf("publish to %s: %w", stream, err)
	}
	return !ack.Duplicate, nil
}
