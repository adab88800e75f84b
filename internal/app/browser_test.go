package app_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browserPatience bounds one person's visit: a test machine starts Chromium slowly.
const browserPatience = 2 * time.Minute

// browser is a headless Chromium that several people may use, each with cookies of their own.
type browser struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the process in it
}

// newBrowser starts Chromium, which the end of the test stops, or skips the test where there is none.
func newBrowser(t *testing.T) browser {
	t.Helper()
	path := chromiumPath()
	if path == "" {
		t.Skip("no Chromium or Chrome on this machine: the sign-out page was not tried in a browser (apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // CI runs as root; the pages are ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, quit := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // in order; stop is for a browser that does not answer
		quit()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
	})
	require.NoError(t, chromedp.Do(ctx))
	return browser{ctx}
}

func chromiumPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// visitor is a person with one tab and cookies that nobody else has.
type visitor struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps the tab in it

	mu         sync.Mutex
	complaints []string // of the browser about the page: script errors and breaches of its policy
}

func (b browser) visitor(t *testing.T) *visitor {
	t.Helper()
	tab, leave := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(leave)
	v := &visitor{t: t}
	require.NoError(t, chromedp.Listen(tab, v.listen)) // opens the tab; a limit on its time would then be the tab's end
	ctx, cancel := context.WithTimeout(tab, browserPatience)
	t.Cleanup(cancel)
	v.ctx = ctx
	return v
}

func (v *visitor) listen(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		v.complaints = append(v.complaints, event.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		// An Okta that refuses or is gone is the case under test, and no fault of the page.
		if event.Entry.Source != log.EntrySourceNetwork && event.Entry.Category != log.EntryCategoryCors {
			v.complaints = append(v.complaints, event.Entry.Text)
		}
	}
}

func (v *visitor) complained() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.complaints...)
}

func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	require.NoError(v.t, chromedp.Do(v.ctx, actions...))
}

func (v *visitor) goTo(url string) {
	v.t.Helper()
	v.do(chromedp.Navigate(url))
}

// see gives the value of a JavaScript expression in the page.
func see[T any](v *visitor, expression string) T {
	v.t.Helper()
	var value T
	err := inPage(func() (err error) {
		value, err = chromedp.Run(v.ctx, chromedp.Evaluate[T](expression))
		return err
	})
	require.NoError(v.t, err, expression)
	return value
}

// awaits waits until a JavaScript expression is true, and says what the page showed when it never was.
func (v *visitor) awaits(expression string) {
	v.t.Helper()
	err := inPage(func() error {
		return chromedp.Do(v.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(soon)))
	})
	if err != nil {
		require.NoError(v.t, err, "%s\nthe page shows: %s", expression, see[string](v, "document.body.innerText"))
	}
}

// inPage asks the page that is there. A page of another site comes in a process of its own, and what was asked of the one
// before it is then lost: that says nothing about the page, so it is asked again.
func inPage(ask func() error) error {
	for deadline := time.Now().Add(soon); ; {
		err := ask()
		if err == nil || !strings.Contains(err.Error(), "Cannot find context with specified id") || time.Now().After(deadline) {
			return err
		}
	}
}

// reads waits for the heading of the page's answer.
func (v *visitor) reads(heading string) {
	v.t.Helper()
	quoted, err := json.Marshal(heading)
	require.NoError(v.t, err)
	v.awaits("document.querySelector('#result h2')?.textContent === " + string(quoted))
}

// command is a command of the DevTools protocol as a step.
func command[P any](c cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, c, params)
		return err
	})
}

func (v *visitor) clicks(id string) {
	v.t.Helper()
	v.do(chromedp.Click(chromedp.CSS("#"+id), chromedp.NodeVisible))
}

func (v *visitor) focused() string {
	v.t.Helper()
	return see[string](v, "document.activeElement.id")
}
