package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// validPart is what a path part may be: "jobs", "{jobId}", "{proxy+}".
func validPart(part string) bool {
	return regexp.MustCompile(`^(\{[a-zA-Z0-9._\-]+\+?\}|[a-zA-Z0-9._~\-:$@!&'()*+,;=%]+)$`).MatchString(part)
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }
func isGreedy(part string) bool   { return strings.HasSuffix(part, "+}") }

func (d *draft) resource(id string) (*apigatewayapi.Resource, error) {
	return must[apigatewayapi.Resource](d.r, d.key.resource(id), noResource())
}

// withMethods fills in the methods of a resource: whole where they are wanted, else their names.
func (d *draft) withMethods(r *apigatewayapi.Resource, whole bool) error {
	prefix := d.key.methods(*r.Id)
	return each(d.r, prefix, prefix.Range(), func(verb string, m *apigatewayapi.Method) (bool, error) {
		if r.ResourceMethods == nil {
			r.ResourceMethods = map[string]apigatewayapi.Method{}
		}
		if !whole {
			m = &apigatewayapi.Method{}
		}
		r.ResourceMethods[verb] = *m
		return true, nil
	})
}

// adopt checks that a child with this path part may be added to a parent.
func (d *draft) adopt(parent *apigatewayapi.Resource, part, self string) error {
	if !validPart(part) {
		return bad("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	if isGreedy(text(parent.PathPart)) {
		return bad("Cannot create a child of a resource with a greedy path variable: %s", *parent.PathPart)
	}
	if isVariable(part) && slices.Contains(strings.Split(*parent.Path, "/"), part) {
		return bad("Resource's path part must be unique in the path: %s", part)
	}
	siblings := d.key.children(*parent.Id)
	if b, ok, err := d.r.Get(store.Key(siblings.Text(part))); err != nil || ok && string(b) != self {
		if err != nil {
			return err
		}
		return conflict("Another resource with the same parent already has this name: %s", part)
	}
	if !isVariable(part) {
		return nil
	}
	pairs, done := d.r.Scan(siblings.Range(), store.ScanOpt{})
	for kv := range pairs {
		other := store.Decode(kv.Key, len(siblings)).Text()
		if isVariable(other) && string(kv.Value) != self {
			return bad("A sibling (%s) of this resource already has a variable path part -- only one is allowed", other)
		}
	}
	return done()
}

func join(parent, part string) string { return strings.TrimSuffix(parent, "/") + "/" + part }

// CreateResource adds a resource below another.
func (s *Service) CreateResource(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateResourceRequest) (*apigatewayapi.Resource, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Resource, error) {
		return d.addResource(own, in.ParentId, in.PathPart)
	})
}

func (d *draft) addResource(own, parentID, part string) (*apigatewayapi.Resource, error) {
	parent, err := d.resource(parentID)
	if err != nil {
		return nil, err
	}
	if err := d.adopt(parent, part, ""); err != nil {
		return nil, err
	}
	n, err := count(d.r, d.key.resources(), maxResources)
	if err != nil {
		return nil, err
	}
	if n >= maxResources {
		return nil, exceeded("Maximum number of resources for this API has been reached: %d", maxResources)
	}
	path := join(*parent.Path, part)
	r := &apigatewayapi.Resource{Id: &own, ParentId: &parentID, PathPart: &part, Path: &path}
	d.tx.Set(store.Key(d.key.children(parentID).Text(part)), []byte(own))
	return r, save(d.tx, d.key.resource(own), r)
}

// GetResource describes a resource.
func (s *Service) GetResource(ctx context.Context, id aws.Identity, in *apigatewayapi.GetResourceRequest) (*apigatewayapi.Resource, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Resource, error) {
		r, err := d.resource(in.ResourceId)
		if err != nil {
			return nil, err
		}
		return r, d.withMethods(r, slices.Contains(in.Embed, "methods"))
	})
}

// GetResources lists the resources of an API.
func (s *Service) GetResources(ctx context.Context, id aws.Identity, in *apigatewayapi.GetResourcesRequest) (*apigatewayapi.Resources, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Resources, error) {
		items, next, err := page[apigatewayapi.Resource](d.r, d.key.resources(), in.Position, in.Limit)
		for i := range items {
			if err == nil {
				err = d.withMethods(&items[i], slices.Contains(in.Embed, "methods"))
			}
		}
		return &apigatewayapi.Resources{Items: items, Position: next}, err
	})
}

// walk calls f with a resource and those below it, parents first.
func (d *draft) walk(id string, f func(*apigatewayapi.Resource) error) error {
	r, err := d.resource(id)
	if err != nil {
		return err
	}
	if err := f(r); err != nil {
		return err
	}
	var below []string
	pairs, done := d.r.Scan(d.key.children(id).Range(), store.ScanOpt{})
	for kv := range pairs {
		below = append(below, string(kv.Value))
	}
	if err := done(); err != nil {
		return err
	}
	for _, child := range below {
		if err := d.walk(child, f); err != nil {
			return err
		}
	}
	return nil
}

// DeleteResource deletes a resource with those below it.
func (s *Service) DeleteResource(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteResourceRequest) (*apigatewayapi.DeleteResourceOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteResourceOutput, error) {
		if in.ResourceId == *d.api.RootResourceId {
			return nil, bad("Root resource cannot be deleted")
		}
		return &apigatewayapi.DeleteResourceOutput{}, d.deleteTree(in.ResourceId)
	})
}

func (d *draft) deleteTree(id string) error {
	var gone []*apigatewayapi.Resource
	if err := d.walk(id, func(r *apigatewayapi.Resource) error {
		gone = append(gone, r)
		return nil
	}); err != nil {
		return err
	}
	for _, r := range gone {
		d.tx.DeleteRange(d.key.methods(*r.Id).Range())
		if r.ParentId == nil {
			continue // the root stays
		}
		d.tx.Delete(store.Key(d.key.children(*r.ParentId).Text(*r.PathPart)))
		if err := store.DeleteLarge(d.tx, store.Key(d.key.resource(*r.Id))); err != nil {
			return err
		}
	}
	return nil
}

// UpdateResource renames a resource or moves it below another; the paths of those below it follow.
func (s *Service) UpdateResource(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateResourceRequest) (*apigatewayapi.Resource, error) {
	type resource = apigatewayapi.Resource
	rules := []rule[resource]{
		textRule("/parentId", "replace", func(v *resource) **string { return &v.ParentId }),
		textRule("/pathPart", "replace", func(v *resource) **string { return &v.PathPart }),
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*resource, error) {
		r, err := d.resource(in.ResourceId)
		if err != nil {
			return nil, err
		}
		if r.ParentId == nil && len(in.PatchOperations) > 0 {
			return nil, bad("Root resource cannot be updated")
		}
		before := *r
		if err := patch(r, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		if r.ParentId != nil {
			if err := d.move(r, &before); err != nil {
				return nil, err
			}
		}
		return r, d.withMethods(r, false)
	})
}

func (d *draft) move(r, before *apigatewayapi.Resource) error {
	if r.PathPart == nil {
		return bad("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	parent, err := d.resource(*r.ParentId)
	if err != nil {
		return err
	}
	if strings.HasPrefix(*parent.Path+"/", *before.Path+"/") {
		return bad("A resource cannot be moved below itself")
	}
	if err := d.adopt(parent, *r.PathPart, *r.Id); err != nil {
		return err
	}
	d.tx.Delete(store.Key(d.key.children(*before.ParentId).Text(*before.PathPart)))
	d.tx.Set(store.Key(d.key.children(*parent.Id).Text(*r.PathPart)), []byte(*r.Id))
	path := join(*parent.Path, *r.PathPart)
	r.Path = &path
	if err := save(d.tx, d.key.resource(*r.Id), r); err != nil {
		return err
	}
	return d.walk(*r.Id, func(below *apigatewayapi.Resource) error {
		if *below.Id == *r.Id {
			return nil
		}
		moved := path + strings.TrimPrefix(*below.Path, *before.Path)
		below.Path = &moved
		return save(d.tx, d.key.resource(*below.Id), below)
	})
}
