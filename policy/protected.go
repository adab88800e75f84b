package policy

import (
	"context"
	"fmt"
	"strings"

	"sever/revocation"
)

// Group is a group that a person is in.
type Group struct{ ID, Name string }

// AnyAdmin stands for every admin role in Protection.Admins.
const AnyAdmin = "any"

// Directory knows who is in which group, and who is an administrator.
type Directory interface {
	// GroupsOf gives all groups of a user, or says why they cannot be told.
	GroupsOf(ctx context.Context, user string) ([]Group, error)
	// AdminRolesOf gives the types of all admin roles that a user has in force, or says why
	// they cannot be told.
	AdminRolesOf(ctx context.Context, user string) ([]string, error)
}

// Protection says for whom no call may be made.
type Protection struct {
	IDs    []string
	Logins []string
	Groups []string // ids or names
	Admins []string // types of admin roles, such as SUPER_ADMIN, or AnyAdmin
	Held   bool     // they wait for an operator; else they are refused, whoever asks
	DryRun bool     // nobody may be called at all
}

// Protected is the people and the mode for whom no call may be made. It is asked
// last, about the user that was found in Okta.
type Protected struct {
	held, dryRun bool

	ids       map[string]bool
	logins    map[string]bool // lower case: Okta compares logins without regard to case
	groupIDs  map[string]bool
	groups    map[string]bool // names in lower case: better one group too many
	admins    map[string]bool // types of admin roles
	directory Directory
}

var _ revocation.Guard = (*Protected)(nil)

// NewProtected guards the given people. The directory is asked only for what is given: groups,
// admins.
func NewProtected(protection Protection, directory Directory) *Protected {
	return &Protected{
		held: protection.Held, dryRun: protection.DryRun, directory: directory,
		ids: set(protection.IDs, asIs), logins: set(protection.Logins, strings.ToLower),
		groupIDs: set(protection.Groups, asIs), groups: set(protection.Groups, strings.ToLower),
		admins: set(protection.Admins, asIs),
	}
}

func asIs(text string) string { return text }

func set(values []string, form func(string) string) map[string]bool {
	made := make(map[string]bool, len(values))
	for _, value := range values {
		made[form(value)] = true
	}
	return made
}

// NeedsLogin reports whether a user's login must be known before Judge is asked.
func (p *Protected) NeedsLogin() bool { return len(p.logins) > 0 }

// Judge says whether a call may be made for the user. An operator's approval lets those
// go who are held, and then nothing need be looked up; never those who are refused.
func (p *Protected) Judge(ctx context.Context, job revocation.Job, user revocation.User) (revocation.Ruling, error) {
	if p.held && job.Approved && !p.dryRun {
		return revocation.Ruling{}, nil
	}
	why, err := p.protects(ctx, user)
	switch {
	case err != nil:
		return revocation.Ruling{}, err
	case why != "" && p.held && !p.dryRun:
		return revocation.Ruling{Outcome: revocation.OutcomeHeld, Reason: why}, nil
	case why != "":
		return revocation.Ruling{Outcome: revocation.OutcomeRefused, Reason: why}, nil
	case p.dryRun:
		return revocation.Ruling{Outcome: revocation.OutcomeRefused, Reason: "dry run (policy.mode): no call was made"}, nil
	default:
		return revocation.Ruling{}, nil
	}
}

// protects gives the reason why a user is protected, or "". It names nobody.
func (p *Protected) protects(ctx context.Context, user revocation.User) (string, error) {
	switch {
	case p.NeedsLogin() && user.Login == "":
		return "this person's login is not known, so it cannot be held against policy.protected.logins", nil
	case p.ids[user.ID], p.logins[strings.ToLower(user.Login)]:
		return "this person is protected (policy.protected)", nil
	}
	if why, err := p.byGroup(ctx, user); why != "" || err != nil {
		return why, err
	}
	return p.byRole(ctx, user)
}

func (p *Protected) byGroup(ctx context.Context, user revocation.User) (string, error) {
	if len(p.groups) == 0 {
		return "", nil
	}
	groups, err := p.directory.GroupsOf(ctx, user.ID)
	if err != nil {
		return "", fmt.Errorf("ask Okta for their groups (policy.protected.groups): %w", err)
	}
	for _, group := range groups {
		if p.groupIDs[group.ID] || p.groups[strings.ToLower(group.Name)] {
			return "this person is in a protected group (policy.protected.groups)", nil
		}
	}
	return "", nil
}

func (p *Protected) byRole(ctx context.Context, user revocation.User) (string, error) {
	if len(p.admins) == 0 {
		return "", nil
	}
	roles, err := p.directory.AdminRolesOf(ctx, user.ID)
	if err != nil {
		return "", fmt.Errorf("ask Okta for their admin roles (policy.protected.admins): %w", err)
	}
	for _, role := range roles {
		if p.admins[AnyAdmin] || p.admins[role] {
			return "this person has a protected admin role (policy.protected.admins)", nil
		}
	}
	return "", nil
}
