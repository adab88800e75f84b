package app_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faultProxy stands between Sever and a server, and does to connections what networks do.
type faultProxy struct {
	listener net.Listener
	target   string
	pumps    sync.WaitGroup

	delay   atomic.Int64 // of every chunk, in either direction
	swallow atomic.Bool  // new connections are accepted, and nobody ever answers on them

	mu     sync.Mutex
	open   map[*crossing]struct{}
	served int // connections so far
}

// crossing is one connection through the proxy.
type crossing struct {
	near, far net.Conn
	dead      atomic.Bool // stays open, but whatever is sent on it is lost
}

func newFaultProxy(t *testing.T, target string) *faultProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &faultProxy{listener: listener, target: target, open: make(map[*crossing]struct{})}
	p.pumps.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.pumps.Wait()
	})
	return p
}

func (p *faultProxy) address() string { return p.listener.Addr().String() }

func (p *faultProxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return // the test is over
		}
		p.pumps.Go(func() { p.cross(near) })
	}
}

func (p *faultProxy) cross(near net.Conn) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = near.Close()
		return
	}
	c := &crossing{near: near, far: far}
	c.dead.Store(p.swallow.Load())
	p.mu.Lock()
	p.open[c] = struct{}{}
	p.served++
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(c, far, near) })
	both.Go(func() { p.pump(c, near, far) })
	both.Wait()
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
}

// pump carries bytes one way. The end of a dead connection is not passed on either.
func (p *faultProxy) pump(c *crossing, to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if wait := time.Duration(p.delay.Load()); n > 0 && wait > 0 {
			<-time.After(wait)
		}
		if n > 0 && !c.dead.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			_ = from.Close()
			if !c.dead.Load() || from == c.near { // Sever has given it up itself
				_ = to.Close()
			}
			return
		}
	}
}

// blackHole makes every connection there is a dead one. New ones work.
func (p *faultProxy) blackHole() (died int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		c.dead.Store(true)
	}
	return len(p.open)
}

// cut closes every connection there is.
func (p *faultProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_, _ = c.near.Close(), c.far.Close()
	}
}

// connections is how many there were so far.
func (p *faultProxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.served
}

// A test that trusts the proxy must know that it does what it says.
func TestTheFaultProxyLosesOnlyWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var served sync.WaitGroup
	t.Cleanup(func() { _ = echo.Close(); served.Wait() })
	served.Go(func() {
		for conn, err := echo.Accept(); err == nil; conn, err = echo.Accept() {
			served.Go(func() { _, _ = io.Copy(conn, conn); _ = conn.Close() })
		}
	})
	p := newFaultProxy(t, echo.Addr().String())
	hears := func(conn net.Conn) bool {
		_, err := conn.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
		_, err = io.ReadFull(conn, make([]byte, 1))
		return err == nil
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", p.address())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	first := dial()
	require.True(t, hears(first))
	require.Equal(t, 1, p.blackHole())
	require.False(t, hears(first))
	require.True(t, hears(dial()))
	p.swallow.Store(true)
	require.False(t, hears(dial()))
	require.Equal(t, 3, p.connections())
}
