// Package limit measures what no durable receiver of this kind can beat: one fsync, and one JetStream publish, for
// each alert.
package limit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Fsync is how many bodies of that size so many writers append to one file in a second, each fsynced by its writer.
func Fsync(ctx context.Context, dir string, size, writers int, length time.Duration) (float64, error) {
	file, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("make the file: %w", err)
	}
	defer func() { _ = file.Close() }() // what it holds is of no use
	body := make([]byte, size)
	var end atomic.Int64
	return repeat(ctx, writers, length, func() error {
		if _, err := file.WriteAt(body, end.Add(int64(size))-int64(size)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("fsync: %w", err)
		}
		return nil
	})
}

// JetStream is how many bodies of that size so many publishers store in a second, one message each, in a stream with
// one replica that fsyncs each message before it acknowledges.
func JetStream(ctx context.Context, dir string, size, publishers int, length time.Duration) (perSecond float64, err error) {
	store, err := server.NewServer(&server.Options{
		ServerName: "limit", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		return 0, fmt.Errorf("configure NATS: %w", err)
	}
	store.Start()
	defer store.WaitForShutdown()
	defer store.Shutdown()
	if !store.ReadyForConnections(10 * time.Second) {
		return 0, errors.New("NATS did not come up within 10s")
	}
	conn, err := nats.Connect("", nats.InProcessServer(store))
	if err != nil {
		return 0, fmt.Errorf("connect to NATS: %w", err)
	}
	defer conn.Close()
	stream, err := jetstream.New(conn)
	if err != nil {
		return 0, fmt.Errorf("open JetStream: %w", err)
	}
	if _, err := stream.CreateStream(ctx, jetstream.StreamConfig{Name: "LIMIT", Subjects: []string{"limit"}}); err != nil {
		return 0, fmt.Errorf("make the stream: %w", err)
	}
	body := make([]byte, size)
	return repeat(ctx, publishers, length, func() error {
		if _, err := stream.Publish(ctx, "limit", body); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		return nil
	})
}

// repeat does it over and over, so many at a time, and tells how often in a second.
func repeat(ctx context.Context, wide int, length time.Duration, do func() error) (float64, error) {
	end := time.Now().Add(length)
	counts, problems := make([]int, wide), make([]error, wide)
	var running sync.WaitGroup
	for i := range wide {
		running.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				if problems[i] = do(); problems[i] != nil {
					return
				}
				counts[i]++
			}
		})
	}
	running.Wait()
	all := 0
	for _, count := range counts {
		all += count
	}
	return float64(all) / length.Seconds(), errors.Join(problems...)
}
