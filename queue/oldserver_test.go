package queue

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// pretendOld passes connections on to a server, which then says that it is 2.11.4.
func pretendOld(tb testing.TB, address string) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { pipeOld(client, address) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return listener.Addr().String()
}

func pipeOld(client net.Conn, address string) {
	behind, err := net.Dial("tcp", address)
	if err != nil {
		_ = client.Close()
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		answers := bufio.NewReader(behind)
		if info, err := answers.ReadString('\n'); err == nil {
			_, _ = io.WriteString(client, strings.Replace(info, `"version":"`+server.VERSION+`"`, `"version":"2.11.4"`, 1))
		}
		_, _ = io.Copy(client, answers)
		_ = client.Close()
	})
	_, _ = io.Copy(behind, client)
	_ = behind.Close()
	back.Wait()
}
