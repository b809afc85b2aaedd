package runtimeapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/telemetry"
)

// The paths of the interfaces for extensions.
const (
	extensionPrefix = "/2020-01-01/extension/"
	telemetryPath   = "/2022-07-01/telemetry"
	logsPath        = "/2020-08-15/logs"
)

// Headers of the Extensions API.
const (
	extensionName    = "Lambda-Extension-Name"
	extensionID      = "Lambda-Extension-Identifier"
	extensionEvent   = "Lambda-Extension-Event-Identifier"
	extensionError   = "Lambda-Extension-Function-Error-Type"
	extensionFeature = "Lambda-Extension-Accept-Feature"
)

// maxRequest bounds what an extension may send.
const maxRequest = 256 << 10

// fault is an error of these interfaces.
type fault struct {
	status        int
	kind, message string
}

func (f *fault) write(w http.ResponseWriter) { refuse(w, f.status, f.kind, f.message) }

// serveExtension answers requests that are not a runtime's.
func (s *Server) serveExtension(w http.ResponseWriter, r *http.Request) {
	switch path := strings.TrimSuffix(r.URL.Path, "/"); path {
	case extensionPrefix + "register":
		s.only(http.MethodPost, s.registration)(w, r)
	case extensionPrefix + "event/next":
		s.only(http.MethodGet, s.identified(s.nextEvent))(w, r)
	case extensionPrefix + "init/error":
		s.only(http.MethodPost, s.identified(s.extensionFails("Extension.InitError")))(w, r)
	case extensionPrefix + "exit/error":
		s.only(http.MethodPost, s.identified(s.extensionFails("Extension.ExitError")))(w, r)
	case telemetryPath:
		s.only(http.MethodPut, s.identified(s.subscribe(telemetry.Telemetry)))(w, r)
	case logsPath:
		s.only(http.MethodPut, s.identified(s.subscribe(telemetry.Logs)))(w, r)
	default:
		http.NotFound(w, r)
	}
}

// identified finds the extension that a request is from.
func (s *Server) identified(h func(http.ResponseWriter, *http.Request, *extension)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(extensionID)
		if id == "" {
			refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier", "Missing "+extensionID+" header")
			return
		}
		if _, err := uuid.Parse(id); err != nil {
			refuse(w, http.StatusForbidden, "Extension.InvalidExtensionIdentifier", "Invalid "+extensionID)
			return
		}
		s.mu.Lock()
		x := s.extensions.all[id]
		s.mu.Unlock()
		if x == nil {
			refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
			return
		}
		h(w, r, x)
	}
}

func (s *Server) registration(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(extensionName)
	if name == "" {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
		return
	}
	var body struct {
		Events []string `json:"events"`
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &body)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequestFormat", err.Error())
		return
	}
	var invoke, shutdown bool
	for _, event := range body.Events {
		switch event {
		case "INVOKE":
			invoke = true
		case "SHUTDOWN":
			shutdown = true
		default:
			refuse(w, http.StatusBadRequest, "Extension.InvalidEventType", event+": Invalid event type")
			return
		}
	}
	x, f := s.register(name, invoke, shutdown)
	if f != nil {
		f.write(w)
		return
	}
	if body.Events == nil {
		body.Events = []string{}
	}
	s.hub.Publish(telemetry.Platform, "platform.extension", map[string]any{"name": name, "state": "Registered", "events": body.Events})
	answer := map[string]string{"functionName": s.config.Function, "functionVersion": s.config.Version, "handler": s.config.Handler}
	if strings.Contains(","+strings.ReplaceAll(r.Header.Get(extensionFeature), " ", "")+",", ",accountId,") && s.config.Account != "" {
		answer["accountId"] = s.config.Account
	}
	w.Header().Set(extensionID, x.id)
	reply(w, answer)
}

func reply(w http.ResponseWriter, v any) {
	b, _ := json.Marshal(v) // texts: cannot fail
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = w.Write(b)
}

// nextEvent gives an extension its next event, as soon as there is one. The first call ends its init phase.
func (s *Server) nextEvent(w http.ResponseWriter, r *http.Request, x *extension) {
	s.ask(x)
	select {
	case doc := <-x.events:
		w.Header().Set(extensionEvent, uuid.NewString())
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(doc)
	case <-s.closed:
	case <-r.Context().Done():
	}
}

// extensionFails takes the report of an extension that it cannot go on: the environment ends.
func (s *Server) extensionFails(kind string) func(http.ResponseWriter, *http.Request, *extension) {
	return func(w http.ResponseWriter, r *http.Request, _ *extension) {
		reason := r.Header.Get(extensionError)
		if reason == "" {
			refuse(w, http.StatusBadRequest, "Extension.MissingHeader", extensionError+" not found")
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxRequest)) // a report for people, which nobody has asked for
		select {
		case s.extensions.failure <- &sandbox.ExitError{Type: kind, Reason: reason}:
		default:
		}
		accept(w)
	}
}

// subscribe takes a subscription of the Telemetry API or of the Logs API.
func (s *Server) subscribe(api telemetry.API) func(http.ResponseWriter, *http.Request, *extension) {
	return func(w http.ResponseWriter, r *http.Request, x *extension) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if err != nil {
			refuse(w, http.StatusBadRequest, "ValidationError", "Failed to read the request body")
			return
		}
		select {
		case <-s.ready:
			refuse(w, http.StatusForbidden, api.Name()+".SubscriptionClosed", api.Name()+" API subscription is closed already")
			return
		default:
		}
		if err := s.hub.Subscribe(api, x.name, body); err != nil {
			var invalid *telemetry.InvalidError
			if errors.As(err, &invalid) {
				refuse(w, http.StatusBadRequest, "ValidationError", invalid.Error())
				return
			}
			refuse(w, http.StatusInternalServerError, "ServiceError", err.Error())
			return
		}
		w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		_, _ = io.WriteString(w, "OK")
	}
}
