// How Go reads and writes each built-in type as JSON: for tests/e2e/derive_data.py only.
// Prints {"package.Type": {"field": {presence, zero, type, embedded}}}: what becomes of an
// absent or empty field, its type, and the embedded structs it is reached through, which
// OpenAPI does not tell.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	builtin "k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
)

type field struct {
	Presence string      `json:"presence"`
	Zero     interface{} `json:"zero"`
	Type     string      `json:"type"`
	Embedded string      `json:"embedded"`
}

var types = map[string]map[string]field{}
var marshaler = reflect.TypeOf((*json.Marshaler)(nil)).Elem()

func main() {
	for _, scheme := range []*runtime.Scheme{builtin.Scheme, apiextensions.Scheme, apiregistration.Scheme} {
		for _, kind := range scheme.AllKnownTypes() {
			visit(kind)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(types); err != nil {
		panic(err)
	}
}

func name(kind reflect.Type) string { return kind.PkgPath() + "." + kind.Name() }

func opaque(kind reflect.Type) bool {
	return kind.Implements(marshaler) || reflect.PointerTo(kind).Implements(marshaler)
}

func visit(kind reflect.Type) {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice || kind.Kind() == reflect.Map {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct || opaque(kind) || types[name(kind)] != nil {
		return
	}
	fields := map[string]field{}
	types[name(kind)] = fields
	collect(kind, "", fields)
}

func collect(kind reflect.Type, embedded string, fields map[string]field) {
	for i := 0; i < kind.NumField(); i++ {
		member := kind.Field(i)
		tag := strings.Split(member.Tag.Get("json"), ",")
		if tag[0] == "-" || !member.IsExported() {
			continue
		}
		if tag[0] == "" && !member.Anonymous {
			tag[0] = member.Name
		}
		if tag[0] == "" { // in line
			inner := member.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			collect(inner, strings.TrimPrefix(embedded+"."+member.Name, "."), fields)
			continue
		}
		described := describe(member.Type, tag[1:])
		described.Embedded = embedded
		fields[tag[0]] = described
		visit(member.Type)
	}
}

func describe(kind reflect.Type, options []string) field {
	has := func(option string) bool {
		for _, have := range options {
			if have == option {
				return true
			}
		}
		return false
	}
	described := field{Type: kind.String()}
	var zero interface{}
	if text, err := json.Marshal(reflect.Zero(kind).Interface()); err == nil {
		_ = json.Unmarshal(text, &zero)
	}
	switch {
	case kind.Kind() == reflect.Pointer && has("omitempty"):
		described.Presence = "pointer"
	case has("omitzero"):
		described.Presence = "omitzero"
	case kind.Kind() == reflect.Struct && !opaque(kind):
		described.Presence = "struct"
	case has("omitempty") && kind.Kind() != reflect.Struct:
		described.Presence = "omitempty"
	default:
		described.Presence, described.Zero = "always", zero
	}
	return described
}
