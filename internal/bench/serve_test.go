package bench

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkServe starts the real binary with an empty store, as `sever serve` does
// it, and gives the time from its start to a green /readyz and its resident memory
// at that moment, idle.
func BenchmarkServe(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "sever")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "sever/cmd/sever")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(b, err, string(output))

	var ready time.Duration
	var resident int
	runs := 0
	for b.Loop() {
		took, kilobytes := startOnce(b, binary)
		ready += took
		resident += kilobytes
		runs++
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ready.Milliseconds())/float64(runs), "ready-ms")
	b.ReportMetric(float64(resident)/float64(runs)/1024, "idle-rss-MB")
}

func startOnce(b *testing.B, binary string) (ready time.Duration, residentKB int) {
	b.Helper()
	dir := storeDir(b)
	admin := freePort(b)
	file := filepath.Join(dir, "sever.yaml")
	require.NoError(b, os.WriteFile(file, fmt.Appendf(nil, `
listen: %s
admin: {listen: %s}
store: {dir: %s}
orgs: {acme: {url: http://127.0.0.1:1, auth: {type: ssws, token: env:SECRET}}}
sources: {okta: {type: okta_event_hook, org: acme, verify: {secrets: [env:SECRET]}}}
`, freePort(b), admin, filepath.Join(dir, "store")), 0o600))

	serve := exec.Command(binary, "serve", "--config", file)
	serve.Env = append(os.Environ(), "SECRET="+secret)
	began := time.Now()
	require.NoError(b, serve.Start())
	require.Eventually(b, func() bool { return isReady(admin) }, 10*time.Second, 2*time.Millisecond)
	ready = time.Since(began)
	residentKB = rss(b, serve.Process.Pid)
	require.NoError(b, serve.Process.Signal(syscall.SIGTERM))
	require.NoError(b, serve.Wait())
	return ready, residentKB
}

func isReady(admin string) bool {
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + admin + "/readyz")
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

func freePort(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	require.NoError(b, listener.Close())
	return listener.Addr().String()
}

// rss reads a process's resident memory where the kernel shows it as Linux does.
func rss(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("needs Linux's /proc to read resident memory")
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.Atoi(strings.Fields(value)[0])
			require.NoError(b, err)
			return kilobytes
		}
	}
	b.Fatal("no VmRSS in /proc")
	return 0
}
