package okta

// What follows never costs an event: what is not as Okta's schema has it is empty.

func clientOf(b jsonValue) (client ClientInfo) {
	ifFields(b, func(key string, value jsonValue) {
		switch fieldName(key, "id", "ipAddress", "ipChain") {
		case "id":
			client.ID = value.text()
		case "ipAddress":
			client.IPAddress = value.text()
		case "ipChain":
			client.IPChain = chainOf(value)
		}
	})
	return client
}

func ipChainOf(b jsonValue) (chain []IPAddress) {
	ifFields(b, func(key string, value jsonValue) {
		if fieldName(key, "ipChain") != "" {
			chain = chainOf(value)
		}
	})
	return chain
}

func chainOf(b jsonValue) (chain []IPAddress) {
	ifElements(b, func(element jsonValue) {
		var step IPAddress
		ifFields(element, func(key string, value jsonValue) {
			switch fieldName(key, "ip", "version") {
			case "ip":
				step.IP = value.text()
			case "version":
				step.Version = value.text()
			}
		})
		chain = append(chain, step)
	})
	return chain
}

func transactionOf(b jsonValue) (transaction Transaction) {
	ifFields(b, func(key string, value jsonValue) {
		switch fieldName(key, "id", "type") {
		case "id":
			transaction.ID = value.text()
		case "type":
			transaction.Type = value.text()
		}
	})
	return transaction
}

func debugContextOf(b jsonValue) (debug DebugContext) {
	ifFields(b, func(key string, value jsonValue) {
		if fieldName(key, "debugData") == "" || !value.isObject() {
			return
		}
		debug.DebugData = make(map[string]string)
		ifFields(value, func(key string, value jsonValue) { debug.DebugData[key] = value.text() })
	})
	return debug
}

func securityContextOf(b jsonValue) (security SecurityContext) {
	ifFields(b, func(key string, value jsonValue) {
		if fieldName(key, "risk") != "" {
			security.Risk = riskOf(value)
		}
	})
	return security
}

func riskOf(b jsonValue) (risk Risk) {
	ifFields(b, func(key string, value jsonValue) {
		switch fieldName(key, "level", "previousLevel", "detectionName", "reasons") {
		case "level":
			risk.Level = value.text()
		case "previousLevel":
			risk.PreviousLevel = value.text()
		case "detectionName":
			risk.DetectionName = value.text()
		case "reasons":
			risk.Reasons = nil
			ifElements(value, func(reason jsonValue) { risk.Reasons = append(risk.Reasons, reason.text()) })
		}
	})
	return risk
}

func authenticationContextOf(b jsonValue) (authentication AuthenticationContext) {
	ifFields(b, func(key string, value jsonValue) {
		switch fieldName(key, "externalSessionId", "rootSessionId") {
		case "externalSessionId":
			authentication.ExternalSessionID = value.text()
		case "rootSessionId":
			authentication.RootSessionID = value.text()
		}
	})
	return authentication
}
