package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"sever/handlers"
)

// server is an http.Server with the port it serves.
type server struct {
	*http.Server

	listener net.Listener
}

func (s server) serve() error {
	var err error
	if s.TLSConfig != nil {
		err = s.ServeTLS(s.listener, "", "")
	} else {
		err = s.Serve(s.listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
	}
	return nil
}

// serve runs the servers until ctx ends or one fails, then drains them.
func serve(ctx context.Context, ready *readiness, servers []server) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, srv := range servers {
		group.Go(srv.serve)
	}
	group.Go(func() error {
		<-ctx.Done()
		ready.stop()
		drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		var errs []error
		for _, srv := range servers {
			errs = append(errs, srv.Shutdown(drainCtx))
		}
		return errors.Join(errs...)
	})
	return group.Wait()
}

func (a *App) servers() ([]server, error) {
	deps := a.adminDeps()
	var err error
	if deps.ReadLink, err = a.readLink(); err != nil {
		return nil, err
	}
	admin, err := handlers.NewAdmin(deps, handlers.AdminConfig{
		Token: a.config.Admin.Token.Reveal(), Logger: a.options.Logger,
	})
	if err != nil {
		return nil, err
	}
	servers := []server{{
		handlers.Server(admin, handlers.ServerConfig{Timeout: adminTimeout, Logger: a.options.Logger}), a.adminListener,
	}}
	if !a.options.Roles.Receive {
		return servers, nil
	}
	receiver, err := handlers.NewReceiver(a.log, a.sources, handlers.ReceiveConfig{
		MaxBody: int64(a.config.Receive.MaxBody), Timeout: a.config.Receive.Timeout,
		AppendTimeout: a.config.Receive.AppendTimeout,
		Proxies:       handlers.Proxies{Networks: a.config.Receive.Proxies(), CertificateHeader: a.config.Receive.ClientCertHeader},
		Letters:       a.letters,
		Now:           a.options.Now, Observer: a.observe, Logger: a.options.Logger,
	})
	if err != nil {
		return nil, err
	}
	if receiver, err = a.withSignOut(receiver); err != nil {
		return nil, err
	}
	tlsConfig, err := loadTLS(a.config.TLS)
	if err != nil {
		return nil, err
	}
	return append(servers, server{
		handlers.Server(receiver, handlers.ServerConfig{
			Timeout: a.config.Receive.Timeout, TLS: tlsConfig, Logger: a.options.Logger,
		}), a.listener,
	}), nil
}

// withSignOut adds the sign-out page, where it is configured, to what senders reach.
func (a *App) withSignOut(receiver http.Handler) (http.Handler, error) {
	settings := a.config.SignOut
	if settings == nil {
		return receiver, nil
	}
	return handlers.NewSignOut(receiver, handlers.SignOutConfig{
		Okta: a.config.SignInURL(), Title: settings.Title, Support: settings.Support, Logger: a.options.Logger,
	})
}
