package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"sever/internal/hooks"
)

// runningSever asks the sever that may be running here how it is. None is no failure: doctor also runs before the first start.
func (d *doctor) runningSever(ctx context.Context) {
	const check = "running sever"
	address, fixed := localAddress(d.cfg.Admin.Listen)
	if !fixed {
		d.warn(check, "admin.listen has port 0, which is chosen at the start: it cannot be asked", "give admin.listen a port")
		return
	}
	status, err := d.alive(ctx, "http://"+address+"/livez")
	if err != nil {
		reason, _ := hooks.Silence(err)
		d.warn(check, fmt.Sprintf("none answers at %s (admin.listen): %s", address, reason), "start `sever serve`, if it is to run here")
		return
	}
	if status != http.StatusOK {
		d.fail(check, fmt.Sprintf("what answers at %s (admin.listen) is not sever", address), "stop it, or give admin.listen another port")
		return
	}
	d.running = true
	admin := &adminClient{base: "http://" + address, client: d.client}
	if err := admin.do(ctx, http.MethodGet, "/readyz", nil, nil); err != nil {
		d.fail(check, fmt.Sprintf("the one at %s is not ready: %s", address, err), "see its log; senders get 503 until the store takes writes")
		return
	}
	d.ok(check, fmt.Sprintf("the one at %s is ready", address))
}

// alive asks whether a process answers at all.
func (d *doctor) alive(ctx context.Context, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("admin.listen: %w", err)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask sever: %w", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}

// localAddress is where this machine reaches what listens on an address, and false when the port is not fixed.
func localAddress(listen string) (address string, fixed bool) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return "", false
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), true
}
