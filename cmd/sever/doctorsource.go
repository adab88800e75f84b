package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"

	"sever/internal/config"
	"sever/internal/hooks"
	"sever/internal/secret"
	"sever/source/verify"
)

// leastSecret is how long a secret should be, in bytes: whoever guesses it can name any victim.
const leastSecret = 16

// source checks one sender's side.
func (d *doctor) source(ctx context.Context, name string) {
	settings := d.cfg.Sources[name]
	d.secrets(name, settings)
	d.listener(ctx, name, settings)
}

func (d *doctor) secrets(name string, settings config.Source) {
	check := name + ": secrets"
	fix := "make it longer and random, such as by `openssl rand -base64 32`"
	if known := settings.Preset().Secret; known != nil && known.By == "sender" {
		fix = "have the sender make another, and compare the two"
	}
	short, all := 0, 0
	for at, secrets := range secretsOf(settings) {
		all += len(secrets)
		for i, secret := range secrets {
			if len(secret.Reveal()) < leastSecret {
				short++
				d.warn(check, fmt.Sprintf("sources.%s.%s.secrets[%d] is shorter than %d bytes", name, at, i, leastSecret), fix)
			}
		}
	}
	switch {
	case all == 0:
		d.ok(check, "none: verify.type "+settings.Verify.Type+" has none")
	case short == 0:
		d.ok(check, fmt.Sprintf("%d, none shorter than %d bytes", all, leastSecret))
	}
}

// secretsOf gives what proves a sender, and where it stands in the source's settings.
func secretsOf(settings config.Source) iter.Seq2[string, []secret.Secret] {
	return func(yield func(string, []secret.Secret) bool) {
		if !yield("verify", settings.Verify.Secrets) {
			return
		}
		for i, proof := range settings.Also {
			if !yield(fmt.Sprintf("also[%d]", i), proof.Secrets) {
				return
			}
		}
	}
}

// listener asks the sever that runs here as the sender would when it verifies its endpoint.
func (d *doctor) listener(ctx context.Context, name string, settings config.Source) {
	check := name + ": listener"
	address, fixed := localAddress(d.cfg.Listen)
	if !fixed {
		d.warn(check, "listen has port 0, which is chosen at the start: it cannot be asked", "give listen a port")
		return
	}
	// Its certificate is for the name that senders use, not for this address; and only Okta's challenge, with a secret in a
	// header, can be asked without leaving a delivery behind.
	probes := d.cfg.TLS == nil && settings.Type == "okta_event_hook" && secretInHeader(settings.Verify) && len(settings.Also) == 0
	answers := "takes the source's deliveries"
	var err error
	if probes {
		err = hooks.Probe(ctx, d.client, "http://"+address+"/v1/hooks/"+name, settings.Verify.Header, settings.Verify.Secrets[0].Reveal())
	} else {
		err, answers = reach(ctx, address), fmt.Sprintf("is listened on; `sever send %s` tries a delivery", name)
	}
	problem, wrong := errors.AsType[*hooks.ProbeError](err)
	switch {
	case !wrong:
		d.ok(check, address+" "+answers)
	case problem.Silent && !d.running:
		d.warn(check, fmt.Sprintf("%s: %s", address, problem.Reason), "start `sever serve`, if it is to run here")
	default:
		d.fail(check, fmt.Sprintf("%s: %s", address, problem.Reason), problem.Fix)
	}
}

// secretInHeader reports whether a source is proven by what Okta can send: a secret in a header.
func secretInHeader(proof verify.Config) bool {
	return proof.Type == "header" && len(proof.Secrets) > 0
}

func reach(ctx context.Context, address string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		reason, fix := hooks.Silence(err)
		return &hooks.ProbeError{Reason: reason, Fix: fix, Silent: true}
	}
	return conn.Close() //nolint:wrapcheck // it was reached
}

// hook checks the event hook at Okta, if the configuration has one.
func (d *doctor) hook(ctx context.Context, name string) {
	settings := d.cfg.Sources[name]
	if settings.Hook == nil {
		return
	}
	check := name + ": event hook"
	hook := newManagedHook(name, settings, d.cfg.Orgs[settings.Org])
	for _, warning := range hook.warnings() {
		d.warn(check, warning, fmt.Sprintf("correct sources.%s.hook.events", name))
	}
	client, err := d.oktaClient(d.cfg, settings.Org, needReadHooks.scopes()...)
	if err != nil {
		d.fail(check, err.Error(), "correct it")
		return
	}
	defer client.Close()
	registered, _, err := client.ListEventHooks(ctx)
	if err != nil {
		d.warn(check, "cannot be looked at: "+err.Error(), oktaFix(err, settings.Org, hook.org, needReadHooks))
		return
	}
	diff, err := hooks.Compare(hook.want, registered)
	if err != nil {
		d.fail(check, err.Error(), "remove or rename one")
		return
	}
	d.hookState(check, hook, diff)
}

func (d *doctor) hookState(check string, hook managedHook, diff hooks.Diff) {
	fix := fmt.Sprintf("run `sever hooks diff %s`, then `sever hooks ensure %s`", hook.source, hook.source)
	switch {
	case diff.Same():
		d.ok(check, fmt.Sprintf("%q is active, verified and as configured", hook.want.Name))
	case diff.Hook == nil:
		d.fail(check, fmt.Sprintf("%q is missing at Okta", hook.want.Name), fmt.Sprintf("run `sever hooks ensure %s`", hook.source))
	case slices.ContainsFunc(diff.Changes, func(c hooks.Change) bool { return c.Field != "events" }):
		d.fail(check, describeHook(diff), fix)
	default:
		d.warn(check, describeHook(diff), fix)
	}
}

// describeHook says what differs in one line. Okta's own texts go through printable with the message.
func describeHook(diff hooks.Diff) string {
	var differs []string
	for _, c := range diff.Changes {
		switch c.Field {
		case "status", "verification":
			differs = append(differs, fmt.Sprintf("it is %.20q, so Okta sends it nothing", strings.Join(c.Remove, "")))
		case "events":
			differs = append(differs, fmt.Sprintf("%d event types are missing and %d are not in the configuration", len(c.Add), len(c.Remove)))
		default:
			differs = append(differs, c.Field+" differs")
		}
	}
	return fmt.Sprintf("%q: %s", diff.Hook.Name, strings.Join(differs, "; "))
}
