package s3

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/website"
	"github.com/brume-dev/brume/store"
)

// PutBucketWebsite makes the bucket a website.
func (s *Service) PutBucketWebsite(ctx context.Context, _ aws.Identity, in *s3api.PutBucketWebsiteRequest) (*s3api.PutBucketWebsiteOutput, error) {
	if in.WebsiteConfiguration == nil {
		return nil, fault.MalformedXML()
	}
	if err := website.Check(in.WebsiteConfiguration); err != nil {
		return nil, err
	}
	return change[s3api.PutBucketWebsiteOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.Website = true
		return b.WriteSetting(tx, bucket.SettingWebsite, in.WebsiteConfiguration)
	})
}

// GetBucketWebsite tells the website configuration.
func (s *Service) GetBucketWebsite(ctx context.Context, _ aws.Identity, in *s3api.GetBucketWebsiteRequest) (*s3api.GetBucketWebsiteOutput, error) {
	c, err := s.site(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketWebsiteOutput{ErrorDocument: c.ErrorDocument, IndexDocument: c.IndexDocument,
		RedirectAllRequestsTo: c.RedirectAllRequestsTo, RoutingRules: c.RoutingRules}, nil
}

func (s *Service) site(ctx context.Context, name string, expected *string) (*s3api.WebsiteConfiguration, error) {
	return view(ctx, s, name, expected, func(r store.Reader, b *bucket.Bucket) (*s3api.WebsiteConfiguration, error) {
		out := new(s3api.WebsiteConfiguration)
		ok, err := b.ReadSetting(r, bucket.SettingWebsite, out)
		if err == nil && !ok {
			err = missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")
		}
		return out, err
	})
}

// DeleteBucketWebsite makes the bucket no website any more.
func (s *Service) DeleteBucketWebsite(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketWebsiteRequest) (*s3api.DeleteBucketWebsiteOutput, error) {
	return change[s3api.DeleteBucketWebsiteOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.Website = false
		return b.WriteSetting(tx, bucket.SettingWebsite, nil)
	})
}

// Sites is the data plane of websites: "{bucket}.s3-website.{region}.…". Everything is read as by anybody, by way of the
// table of operations: the bucket's policy and access control lists decide.
func (s *Service) Sites() aws.DataPlane { return sites{s} }

type sites struct{ *Service }

// guest is one request for a page.
type guest struct {
	sites
	w    http.ResponseWriter
	r    *http.Request
	v    aws.Visit
	id   aws.Identity
	conf *s3api.WebsiteConfiguration
	from website.Origin
}

// ServeData implements aws.DataPlane.
func (p sites) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	g := &guest{sites: p, w: w, r: r, v: v, from: website.Origin{Scheme: "http", Host: r.Host, Path: v.Path}}
	if r.TLS != nil {
		g.from.Scheme = "https"
	}
	w.Header().Set("X-Amz-Request-Id", v.Request.ID)
	w.Header().Set("Server", "AmazonS3")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.fail(aws.Errorf("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource."))
		return
	}
	p.AllowOrigin(r.Context(), v.Resource, r.Method, r.Header, w.Header())
	b, err := p.find(r.Context(), v.Resource, nil)
	if err == nil {
		g.id = aws.Identity{Kind: aws.Anonymous, Account: b.Account, Region: b.Region, Request: v.Request}
		g.conf, err = p.site(r.Context(), v.Resource, nil)
	}
	if err != nil {
		g.fail(err)
		return
	}
	g.serve()
}

func (g *guest) serve() {
	if to, ok := website.Everything(g.conf, g.from); ok {
		g.redirect(to, http.StatusMovedPermanently)
		return
	}
	path, err := url.PathUnescape(g.v.Path)
	if err != nil {
		g.fail(aws.Errorf("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI."))
		return
	}
	key := strings.TrimPrefix(path, "/")
	if to, code, ok := website.Redirect(g.conf, g.from, key, 0); ok {
		g.redirect(to, code)
		return
	}
	out, err := g.read(website.Key(g.conf, path))
	if err == nil {
		g.write(out, http.StatusOK)
		return
	}
	info := aws.InfoOf(err)
	if info.Status == http.StatusNotModified {
		g.w.WriteHeader(info.Status)
		return
	}
	if to, code, ok := website.Redirect(g.conf, g.from, key, info.Status); ok {
		g.redirect(to, code)
		return
	}
	if !strings.HasSuffix(path, "/") && (info.Status == http.StatusNotFound || info.Status == http.StatusForbidden) {
		if folder, ok := g.folder(path); ok {
			g.redirect(folder, http.StatusFound)
			return
		}
	}
	g.fail(err)
}

// folder reports whether a path without a slash at its end is a folder with an index document.
func (g *guest) folder(path string) (string, bool) {
	out, err := g.read(website.Key(g.conf, path+"/"))
	if err != nil {
		return "", false
	}
	if c, ok := out.Body.(io.Closer); ok {
		_ = c.Close() // nothing was read
	}
	return g.v.Path + "/", true
}

func (g *guest) read(key string) (*s3api.GetObjectOutput, error) {
	in := &s3api.GetObjectRequest{Bucket: g.v.Resource, Key: key}
	h := g.r.Header
	in.Range, in.IfMatch, in.IfNoneMatch = aws.Some(h.Get("Range")), aws.Some(h.Get("If-Match")), aws.Some(h.Get("If-None-Match"))
	if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil {
		in.IfModifiedSince = &t
	}
	if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil {
		in.IfUnmodifiedSince = &t
	}
	return s3api.NewClient(g.Caller).GetObject(g.r.Context(), g.id, in)
}

func (g *guest) redirect(to string, code int) {
	g.w.Header().Set("Location", to)
	g.w.Header().Set("Content-Length", "0")
	g.w.WriteHeader(code)
}

// write answers with an object; one that redirects is never seen itself.
func (g *guest) write(o *s3api.GetObjectOutput, status int) {
	if c, ok := o.Body.(io.Closer); ok {
		defer c.Close()
	}
	if o.WebsiteRedirectLocation != nil && status == http.StatusOK {
		g.redirect(*o.WebsiteRedirectLocation, http.StatusMovedPermanently)
		return
	}
	h := g.w.Header()
	for name, v := range map[string]*string{"Content-Type": o.ContentType, "Cache-Control": o.CacheControl, "Content-Disposition": o.ContentDisposition,
		"Content-Encoding": o.ContentEncoding, "Content-Language": o.ContentLanguage, "ETag": o.ETag, "Content-Range": o.ContentRange} {
		if v != nil {
			h.Set(name, *v)
		}
	}
	for k, v := range o.Metadata {
		h.Set("X-Amz-Meta-"+k, v)
	}
	if o.Expires != nil {
		h.Set("Expires", o.Expires.UTC().Format(http.TimeFormat))
	}
	h.Set("Last-Modified", aws.Or(o.LastModified, time.Time{}).UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.FormatInt(aws.Or(o.ContentLength, 0), 10))
	if o.ContentRange != nil {
		status = http.StatusPartialContent
	}
	g.w.WriteHeader(status)
	if g.r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(g.w, o.Body); err != nil && !errors.Is(err, context.Canceled) {
		g.Log.WarnContext(g.r.Context(), "s3: page broke off", "bucket", g.v.Resource, "err", err)
	}
}

// fail answers with the error document of the website, else with a page of our own in the form of S3's.
func (g *guest) fail(err error) {
	info := aws.InfoOf(err)
	if g.conf != nil && g.conf.ErrorDocument != nil && info.Status >= 400 && info.Status < 500 {
		if out, lost := g.read(g.conf.ErrorDocument.Key); lost == nil {
			g.write(out, info.Status)
			return
		}
	}
	title := strconv.Itoa(info.Status) + " " + http.StatusText(info.Status)
	page := fmt.Sprintf("<html>\n<head><title>%s</title></head>\n<body>\n<h1>%s</h1>\n<ul>\n<li>Code: %s</li>\n<li>Message: %s</li>\n<li>RequestId: %s</li>\n</ul>\n<hr/>\n</body>\n</html>\n",
		title, title, html.EscapeString(info.Code), html.EscapeString(info.Message), g.v.Request.ID)
	h := g.w.Header()
	h.Set("X-Amz-Error-Code", info.Code)
	h.Set("X-Amz-Error-Message", info.Message)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	g.w.WriteHeader(info.Status)
	if g.r.Method != http.MethodHead {
		_, _ = io.WriteString(g.w, page) // the reader has gone: nobody is left to tell
	}
}
