// Command natscreds makes the identities for a NATS server that serves Sever alone: an operator who
// signs, the account "sever" with JetStream, the server's own account "SYS", and one user.
//
//	natscreds DIR
//
// It writes DIR/nats-auth.conf, signed public statements for nats.conf to include, and DIR/nats.creds,
// the user's secret key. The signing keys are kept in DIR/*.nk and used again: JetStream files data under
// the account's key, so a new account would not find the old streams.
//
// Run it again to rotate: the new user is let in, every earlier one is refused once NATS has restarted.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

const secretFile = 0o600

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: natscreds DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "natscreds:", err)
		os.Exit(1)
	}
}

func run(dir string, now time.Time) error {
	operator, err := key(filepath.Join(dir, "operator.nk"), nkeys.CreateOperator)
	if err != nil {
		return err
	}
	account, err := key(filepath.Join(dir, "account.nk"), nkeys.CreateAccount)
	if err != nil {
		return err
	}
	system, err := key(filepath.Join(dir, "system.nk"), nkeys.CreateAccount)
	if err != nil {
		return err
	}
	config, err := serverConfig(operator, account, system, now)
	if err != nil {
		return err
	}
	creds, err := userCreds(account)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "nats-auth.conf"), config, secretFile); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "nats.creds"), creds, secretFile)
}

// key reads the seed at path, or creates a key and keeps its seed there.
func key(path string, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(path)
	if err == nil {
		pair, err := nkeys.FromSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return pair, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pair, err := create()
	if err != nil {
		return nil, err
	}
	if seed, err = pair.Seed(); err != nil {
		return nil, err
	}
	return pair, os.WriteFile(path, seed, secretFile)
}

func serverConfig(operator, account, system nkeys.KeyPair, now time.Time) ([]byte, error) {
	operatorID, err := operator.PublicKey()
	if err != nil {
		return nil, err
	}
	accountID, err := account.PublicKey()
	if err != nil {
		return nil, err
	}
	systemID, err := system.PublicKey()
	if err != nil {
		return nil, err
	}

	op := jwt.NewOperatorClaims(operatorID)
	op.Name = "sever"
	op.SystemAccount = systemID
	opToken, err := op.Encode(operator)
	if err != nil {
		return nil, err
	}

	acc := jwt.NewAccountClaims(accountID)
	acc.Name = "sever"
	acc.Limits.DiskStorage = jwt.NoLimit // nats.conf has the limit: max_file_store
	acc.RevokeAt(jwt.All, now.Add(-time.Second))
	accToken, err := acc.Encode(operator)
	if err != nil {
		return nil, err
	}

	sys := jwt.NewAccountClaims(systemID)
	sys.Name = "SYS"
	sysToken, err := sys.Encode(operator)
	if err != nil {
		return nil, err
	}

	return fmt.Appendf(nil, `# Made by natscreds. Signed public statements, not secrets.
operator: %s
system_account: %s
resolver: MEMORY
resolver_preload: {
  %s: %s
  %s: %s
}
`, opToken, systemID, accountID, accToken, systemID, sysToken), nil
}

func userCreds(account nkeys.KeyPair) ([]byte, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	userID, err := user.PublicKey()
	if err != nil {
		return nil, err
	}
	claims := jwt.NewUserClaims(userID)
	claims.Name = "sever"
	token, err := claims.Encode(account)
	if err != nil {
		return nil, err
	}
	seed, err := user.Seed()
	if err != nil {
		return nil, err
	}
	return jwt.FormatUserConfig(token, seed)
}
