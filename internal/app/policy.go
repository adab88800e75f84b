package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/prometheus/client_golang/prometheus"

	"sever/internal/config"
	"sever/policy"
	"sever/revocation"
)

// Reload is where a changed policy comes from while Sever runs. Only policy.rules,
// policy.builtin and policy.mode are taken.
type Reload struct {
	File string                         // the configuration; "" for no reload
	Load func() (*config.Config, error) // reads it; secrets are of no use here
	Now  <-chan os.Signal               // asks for a reload, by SIGHUP; may be nil
}

// How long the file must be left alone before it is read, lest half of it is taken, and how
// long a reload is put off at most.
const (
	settleFile    = 300 * time.Millisecond
	settleAtMost  = 5 * time.Second
	maxPolicyFile = 1 << 20 // as much as the configuration may have
)

// policies hold the policy in force and take a new one: whole or not at all.
type policies struct {
	reload  Reload
	logger  *slog.Logger
	observe revocation.Observer
	now     func() time.Time
	reloads *prometheus.CounterVec

	current atomic.Pointer[policy.Policy]
	rest    config.Policy // what is not taken again, as it was at the start
	read    [sha256.Size]byte
}

func newPolicies(cfg *config.Config, options Options, observe revocation.Observer, registry *prometheus.Registry) (*policies, error) {
	p := &policies{
		reload: options.Reload, logger: options.Logger, observe: observe, now: options.Now, rest: fixedPart(cfg.Policy),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "sever", Name: "policy_reloads_total", Help: "Changed policies: taken, unchanged, or refused, when the old one stays.",
		}, []string{"result"}),
	}
	registry.MustRegister(p.reloads)
	for _, result := range []string{reloadTaken, reloadUnchanged, reloadRefused} {
		p.reloads.WithLabelValues(result)
	}
	made, problems := cfg.CompilePolicy()
	if policy.Broken(problems) {
		return nil, brokenPolicy(problems)
	}
	p.current.Store(&made)
	p.read = p.digest()
	return p, nil
}

// What becomes of a reload.
const (
	reloadTaken     = "taken"
	reloadUnchanged = "unchanged"
	reloadRefused   = "refused"
)

func brokenPolicy(problems []policy.Problem) error {
	var errs []error
	for _, problem := range problems {
		if !problem.Warning {
			errs = append(errs, fmt.Errorf("policy rule %q: %s %s; %s", problem.Name, problem.Field, problem.Message, problem.Fix))
		}
	}
	return errors.Join(errs...)
}

// fixedPart is what of a policy is not taken again.
func fixedPart(p config.Policy) config.Policy {
	p.Mode, p.BuiltIn, p.Rules = "", false, nil
	return p
}

// inForce is the policy that decides now.
func (p *policies) inForce() policy.Policy { return *p.current.Load() }

// guard protects people, and everybody while the policy in force is a dry run, so that jobs
// that are on their lanes already, or come from an operator, follow a change of the mode too.
func (p *policies) guard(protection policy.Protection, directory policy.Directory) revocation.Guard { //nolint:ireturn // the worker wants one
	dry, live := protection, protection
	dry.DryRun, live.DryRun = true, false
	return modeGuard{policies: p, dry: policy.NewProtected(dry, directory), live: policy.NewProtected(live, directory)}
}

type modeGuard struct {
	policies  *policies
	dry, live *policy.Protected
}

// Judge asks the guard of the mode that is in force.
func (g modeGuard) Judge(ctx context.Context, job revocation.Job, user revocation.User) (revocation.Ruling, error) {
	if g.policies.inForce().Mode() == revocation.ModeDryRun {
		return g.dry.Judge(ctx, job, user)
	}
	return g.live.Judge(ctx, job, user)
}

// Run takes changed policies until ctx ends.
func (p *policies) Run(ctx context.Context) error {
	if p.reload.File == "" {
		return nil
	}
	watcher, err := p.watch()
	if err != nil {
		p.logger.WarnContext(ctx, "a changed policy is taken on SIGHUP only: its file cannot be watched", "file", p.reload.File, "error", err)
		watcher = &fsnotify.Watcher{} // its channels are nil
	} else {
		defer func() { _ = watcher.Close() }()
	}
	p.check(ctx) // it may have changed since it was read
	var settled, overdue <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.reload.Now:
			settled, overdue = nil, nil
			p.take(ctx)
		case <-watcher.Events:
			settled = time.After(settleFile)
			if overdue == nil {
				overdue = time.After(settleAtMost)
			}
		case err := <-watcher.Errors:
			p.logger.WarnContext(ctx, "watch the configuration: look at it once more", "error", err)
			settled = time.After(settleFile)
		case <-settled:
			settled, overdue = nil, nil
			p.check(ctx)
		case <-overdue:
			settled, overdue = nil, nil
			p.check(ctx)
		}
	}
}

// watch watches the folder: editors and Kubernetes put another file in the place of the old.
func (p *policies) watch() (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	if err := watcher.Add(filepath.Dir(p.reload.File)); err != nil {
		return nil, errors.Join(fmt.Errorf("watch: %w", err), watcher.Close())
	}
	return watcher, nil
}

// check takes the policy if the file has changed, of all that is in its folder.
func (p *policies) check(ctx context.Context) {
	if p.digest() != p.read {
		p.take(ctx)
	}
}

func (p *policies) digest() [sha256.Size]byte {
	if p.reload.File == "" {
		return [sha256.Size]byte{}
	}
	info, err := os.Stat(p.reload.File)
	if err != nil || info.Size() > maxPolicyFile {
		return [sha256.Size]byte{} // Load will say why
	}
	text, err := os.ReadFile(p.reload.File)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}

// take puts the file's policy in force, or keeps the old one and says so loudly.
func (p *policies) take(ctx context.Context) {
	p.read = p.digest()
	old := p.inForce()
	made, err := p.load(ctx)
	switch {
	case err != nil:
		p.reloads.WithLabelValues(reloadRefused).Inc()
		p.logger.ErrorContext(ctx, "the changed policy is refused, the old one stays in force", "version", old.Version(), "error", err)
		p.observe.Observe(revocation.Event{
			Step: revocation.StepTrouble, Stage: "policy", At: p.now(),
			Err: errors.New("the changed configuration is refused, the old policy stays in force; `sever policy check` says why"),
		})
	case made.Version() == old.Version():
		p.reloads.WithLabelValues(reloadUnchanged).Inc()
		p.logger.InfoContext(ctx, "the policy has not changed", "version", old.Version())
	default:
		p.current.Store(&made)
		p.reloads.WithLabelValues(reloadTaken).Inc()
		p.logger.InfoContext(ctx, "a changed policy is in force", "version", made.Version(), "old_version", old.Version(), "rules", len(made.Rules()))
	}
}

func (p *policies) load(ctx context.Context) (policy.Policy, error) {
	cfg, err := p.reload.Load()
	if err != nil {
		return policy.Policy{}, err
	}
	made, problems := cfg.CompilePolicy()
	if policy.Broken(problems) {
		return policy.Policy{}, brokenPolicy(problems)
	}
	if !reflect.DeepEqual(fixedPart(cfg.Policy), p.rest) {
		p.logger.WarnContext(ctx, "policy.protected, policy.brake or policy.approvals changed: that takes effect at the next start only")
	}
	return made, nil
}
