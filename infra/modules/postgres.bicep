param location string
param tags object
param name string
param workspaceId string
param publicNetworkAccess string
param operatorIpAddresses array

@description('A size that main.bicep knows the connections of.')
param size string

@minValue(32)
param storageGiB int

@description('Whether PgBouncer pools connections: transactions of many clients over few connections.')
param pooled bool

@minValue(7)
@maxValue(35)
param backupRetentionDays int

@description('Whoever migrates the schema: object id, name and kind in Entra.')
param administratorPrincipalId string
param administratorName string

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param administratorType string

// Logs hold no statement and no row of a failed key: both may be personal data.
var serverSettings = [
  {
    name: 'azure.extensions'
    value: 'VECTOR'
  }
  {
    name: 'ssl_min_protocol_version'
    value: 'TLSv1.2'
  }
  {
    name: 'log_min_error_statement'
    value: 'panic'
  }
  {
    name: 'log_error_verbosity'
    value: 'terse'
  }
]
var poolerSettings = pooled ? [
  {
    name: 'pgbouncer.enabled'
    value: 'true'
  }
] : []

// The database and its roles are made by the hook, which runs as the administrator: schema/migrate.py.
resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2025-08-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: size
    tier: startsWith(size, 'Standard_B') ? 'Burstable' : 'GeneralPurpose'
  }
  properties: {
    version: '18'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: subscription().tenantId
    }
    storage: {
      storageSizeGB: storageGiB
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: backupRetentionDays
      geoRedundantBackup: 'Disabled'
    }
    network: {
      publicNetworkAccess: publicNetworkAccess
    }
  }
}

// The server takes one change at a time: its children wait for each other.
resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2025-08-01' = {
  parent: server
  name: administratorPrincipalId
  properties: {
    principalName: administratorName
    principalType: administratorType
    tenantId: subscription().tenantId
  }
}

@batchSize(1)
resource settings 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2025-08-01' = [for setting in concat(serverSettings, poolerSettings): {
  parent: server
  name: setting.name
  dependsOn: [
    administrator
  ]
  properties: {
    value: setting.value
    source: 'user-override'
  }
}]

@batchSize(1)
resource operators 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2025-08-01' = [for (address, index) in operatorIpAddresses: {
  parent: server
  name: 'operator-${index}'
  dependsOn: [
    settings
  ]
  properties: {
    startIpAddress: address
    endIpAddress: address
  }
}]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: server
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'PostgreSQLLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output resourceId string = server.id
output host string = server.properties.fullyQualifiedDomainName
