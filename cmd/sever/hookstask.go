package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sever/internal/hooks"
	"sever/okta"
)

// hookTask is what a command does about one hook.
type hookTask struct {
	managedHook

	client *okta.Client
	screen io.Writer // for people
	report hookReport
}

type hookWork func(context.Context, *hookTask) error

func (t *hookTask) compare(ctx context.Context) (hooks.Diff, error) {
	registered, _, err := t.client.ListEventHooks(ctx)
	if err != nil {
		return hooks.Diff{}, err
	}
	diff, err := hooks.Compare(t.want, registered)
	if err != nil {
		return hooks.Diff{}, err
	}
	t.report.take(diff)
	return diff, nil
}

func (t *hookTask) ensure(ctx context.Context, diff hooks.Diff, setSecret bool) (err error) {
	if diff.Same() && !setSecret {
		fmt.Fprintf(t.screen, "%s: nothing to do\n", t.source)
		return nil
	}
	// The first secret is the one to use; further ones are still accepted.
	if t.want.Secret, err = okta.NewHookSecret(t.verify.Secrets[0].Reveal()); err != nil {
		return err
	}
	t.report.Done, err = hooks.Ensure(ctx, t.client, t.want, diff, setSecret)
	return t.explain(ctx, err)
}

func (t *hookTask) verifyNow(ctx context.Context, diff hooks.Diff) error {
	if diff.Hook == nil {
		return fmt.Errorf("okta has no event hook with the name %q: run `sever hooks ensure %s`", t.want.Name, t.source)
	}
	if diff.Hook.URI != t.want.URI {
		return fmt.Errorf("okta has another URL than the configuration: run `sever hooks ensure %s`, which verifies too", t.source)
	}
	if err := hooks.Verify(ctx, t.client, diff.Hook.ID); err != nil {
		return t.explain(ctx, err)
	}
	t.report.Done = []string{"verified"}
	return nil
}

// explain finds out why Okta could not verify a hook, by doing the same from here.
func (t *hookTask) explain(ctx context.Context, err error) error {
	if _, unverified := errors.AsType[*hooks.UnverifiedError](err); !unverified {
		return err
	}
	cause := hooks.Probe(ctx, newHTTPClient(sendTimeout), t.want.URI, t.verify.Header, t.verify.Secrets[0].Reveal())
	if cause != nil {
		return fmt.Errorf("%w; tried from here: %w", err, cause)
	}
	return fmt.Errorf("%w; tried from here: the endpoint answers as it should. Open it to Okta's addresses; if Sever's log shows 401, "+
		"set the secret by `sever hooks ensure --set-secret %s`; if that does not help, Okta sends none with its challenge: "+
		"set sources.%s.verify.challenge_without_secret", err, t.source, t.source)
}
